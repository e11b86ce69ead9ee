package persistence

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestReadyTellsWhetherAnUploadWouldWork: whatever fails an upload makes the
// store not ready, with the reason, and it is ready again once that is gone.
func TestReadyTellsWhetherAnUploadWouldWork(t *testing.T) {
	s, faults := openFaulty(t)
	ready := func() error {
		s.probe.mu.Lock()
		s.probe.last = nil // it would count for a second
		s.probe.mu.Unlock()
		return s.Ready(t.Context())
	}
	if err := ready(); err != nil {
		t.Fatalf("a new store: %v", err)
	}
	for _, f := range []fault{
		{"temp", "", syscall.EROFS}, {"write", "", syscall.ENOSPC}, {"write", "", errShort}, {"sync", "", syscall.EIO},
	} {
		faults.now.Store(&f)
		err := ready()
		if !errors.Is(err, errInjected) && f.err != errShort || err == nil {
			t.Errorf("%s fails with %v: %v", f.op, f.err, err)
		}
		if errors.Is(err, ErrNoSpace) != (f.err == syscall.ENOSPC) {
			t.Errorf("%s fails with %v: %v", f.op, f.err, err)
		}
		faults.now.Store(nil)
		if err := ready(); err != nil {
			t.Errorf("after %s failed with %v: %v", f.op, f.err, err)
		}
	}
	n := s.Snapshot()
	if n.FullFaults != 1 || n.OtherFaults != 3 {
		t.Errorf("%d faults for want of space and %d others, want 1 and 3", n.FullFaults, n.OtherFaults)
	}
	for _, folder := range []string{temporaryFolder, versionsFolder} {
		if left, err := os.ReadDir(filepath.Join(s.options.DataDir, folder)); err != nil || len(left) > 0 {
			t.Errorf("the probes left %v in %s, %v", left, folder, err)
		}
	}
}

// failingRows is a database whose changes fail while it has an error.
type failingRows struct {
	database
	err error
}

func (f *failingRows) update(ctx context.Context, job func(tx) error) error {
	if f.err != nil {
		return f.err
	}
	return f.database.update(ctx, job)
}

func TestReadyTellsWhetherRowsCanBeWritten(t *testing.T) {
	rows := &failingRows{}
	s := openTest(t, Options{DataDir: fastDir(t), database: func(d database) database {
		rows.database = d
		return rows
	}})
	rows.err = errInjected
	if err := s.Ready(t.Context()); !errors.Is(err, errInjected) {
		t.Errorf("rows cannot be written: %v", err)
	}
	rows.err = nil
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// slowRows is a database that takes its time.
type slowRows struct {
	database
	takes time.Duration
	asked int
}

func (r *slowRows) update(context.Context, func(tx) error) error {
	r.asked++
	time.Sleep(r.takes)
	return errInjected
}

// TestReadyIsCheap: many who ask share one look, for a second; and one who does
// not get an answer in time takes that for an answer.
func TestReadyIsCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &slowRows{takes: 10 * time.Second}
		s := newStore(Options{})
		s.rows = r
		for range 100 {
			go func() {
				if err := s.Ready(t.Context()); !errors.Is(err, errInjected) {
					t.Errorf("with time: %v", err)
				}
			}()
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Ready(soon); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without time: %v", err)
		}
		time.Sleep(9*time.Second + probeAge/2)
		_ = s.Ready(t.Context())
		if r.asked != 1 {
			t.Errorf("the storage was tried %d times, want once", r.asked)
		}
		time.Sleep(probeAge)
		_ = s.Ready(t.Context())
		if r.asked != 2 {
			t.Errorf("the storage was tried %d times, want twice", r.asked)
		}
	})
}

func TestSnapshotCountsWhatTheStoreDoes(t *testing.T) {
	s := openTest(t, Options{})
	id := register(t, s, "anna")
	before := s.Snapshot()
	u := receive(t, s, id, "a", []byte("content"))
	if n := s.Snapshot(); n.Uploads != 1 {
		t.Errorf("%d uploads, want 1", n.Uploads)
	}
	if err := u.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := s.Snapshot()
	commits := n.Commits.Since(&before.Commits)
	if n.Uploads != 0 || commits.Count() < 3 || n.Groups.Count() != n.Commits.Count() || n.Flushes.Count() != 1 || n.Directory.Count() == 0 || n.Log.Count() == 0 {
		t.Errorf("%+v", n)
	}
	if !n.SpaceKnown || n.SpaceFree <= 0 || n.SpaceAll < n.SpaceFree || n.DatabaseBytes == 0 {
		t.Errorf("space %d of %d, database %d", n.SpaceFree, n.SpaceAll, n.DatabaseBytes)
	}
	if _, err := s.Register(t.Context(), "anna"); err == nil {
		t.Error("the name is free")
	}
	if n := s.Snapshot(); n.FullFaults+n.OtherFaults != 0 {
		t.Error("a refusal counts as a fault")
	}
	if waiting, err := s.WaitingRemovals(t.Context()); err != nil || waiting < 0 {
		t.Errorf("%d removals, %v", waiting, err)
	}
}
