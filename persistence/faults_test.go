package persistence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fault makes one kind of operation fail on names that begin with a prefix, or
// are it when it ends in $.
type fault struct {
	op, prefix string
	err        error
}

// errShort makes a write take half, and say nothing of it.
var errShort = io.ErrShortWrite

// errInjected marks a fault of the test's own making.
var errInjected = errors.New("injected")

// faults is a FileSystem of which one operation can be made to fail.
type faults struct {
	FileSystem
	now atomic.Pointer[fault]
}

func (f *faults) do(op, name string, operation func() error) error {
	if now := f.now.Load(); now != nil && now.op == op && strings.HasPrefix(name+"$", now.prefix) {
		return &fs.PathError{Op: op, Path: name, Err: fmt.Errorf("%w: %w", errInjected, now.err)}
	}
	return operation()
}

func (f *faults) Mkdir(name string) error {
	return f.do("mkdir", name, func() error { return f.FileSystem.Mkdir(name) })
}

func (f *faults) Remove(name string) error {
	return f.do("remove", name, func() error { return f.FileSystem.Remove(name) })
}

func (f *faults) SyncDir(name string) error {
	return f.do("syncdir", name, func() error { return f.FileSystem.SyncDir(name) })
}

func (f *faults) Temp() (temp Temp, err error) {
	err = f.do("temp", "", func() (err error) {
		temp, err = f.FileSystem.Temp()
		return err
	})
	return &faultyTemp{temp, f}, err
}

type faultyTemp struct {
	Temp
	faults *faults
}

func (t *faultyTemp) Write(p []byte) (n int, err error) {
	err = t.faults.do("write", "", func() (err error) {
		n, err = t.Temp.Write(p)
		return err
	})
	if errors.Is(err, errShort) {
		return t.Temp.Write(p[:len(p)/2])
	}
	return n, err
}

func (t *faultyTemp) Sync() error { return t.faults.do("sync", "", t.Temp.Sync) }

func (t *faultyTemp) Link(name string) error {
	return t.faults.do("link", name, func() error { return t.Temp.Link(name) })
}

func openFaulty(t *testing.T) (*Store, *faults) {
	faults := &faults{}
	return openTest(t, Options{
		DataDir: fastDir(t),
		FileSystem: func(below FileSystem) FileSystem {
			faults.FileSystem = below
			return faults
		},
		Trouble: func(err error) { // a removal in the background may meet the fault, too
			if !errors.Is(err, errInjected) {
				t.Errorf("trouble in the background: %v", err)
			}
		},
	}), faults
}

// try uploads and verifies, and discards when that fails.
func try(ctx context.Context, s *Store, id ClientID, name, content string) error {
	u, err := s.Begin(ctx, id, name, int64(len(content)))
	if err != nil {
		return err
	}
	if _, err = u.Write([]byte(content)); err == nil {
		err = u.Received(ctx, sumsOf([]byte(content)))
	}
	if err == nil {
		err = u.Verify(ctx)
	}
	return errors.Join(err, u.Discard(ctx))
}

// TestFaultOfTheDiskFailsTheUploadAlone: an upload that meets a fault fails
// with its reason, what was verified before stays, and the next upload works
// as soon as the fault is gone.
func TestFaultOfTheDiskFailsTheUploadAlone(t *testing.T) {
	for _, fault := range []fault{
		{"temp", "", syscall.ENOSPC},
		{"temp", "", syscall.EROFS},
		{"write", "", syscall.ENOSPC},
		{"write", "", syscall.EDQUOT},
		{"write", "", syscall.EIO},
		{"write", "", errShort},
		{"sync", "", syscall.EIO},
		{"mkdir", "files/", syscall.ENOSPC},
		{"link", "", syscall.EIO},
		{"link", "", syscall.EROFS},
		{"syncdir", "files/", syscall.EIO}, // the client's directory
		{"syncdir", "files$", syscall.EIO}, // and the one above it
	} {
		t.Run(fmt.Sprint(fault.op, " ", fault.prefix, fault.err), func(t *testing.T) {
			s, faults := openFaulty(t)
			old, fresh := register(t, s, "old"), register(t, s, "fresh")
			verifyNew(t, s, old, "a.txt", "first")
			faults.now.Store(&fault)
			wantFault(t, try(t.Context(), s, fresh, "b.txt", "second"), fault.err)
			if fault.op == "write" || fault.op == "link" {
				wantFault(t, try(t.Context(), s, old, "a.txt", "second"), fault.err)
			}
			faults.now.Store(nil)
			if got := contentOf(t, s, "a.txt"); got != "first" {
				t.Errorf("verified before: %q", got)
			}
			if got := contentOf(t, s, "b.txt"); got != "" {
				t.Errorf("verified in spite of the fault: %q", got)
			}
			if err := try(t.Context(), s, fresh, "b.txt", "third"); err != nil {
				t.Errorf("after the fault: %v", err)
			}
			if report, err := s.Sweep(t.Context()); err != nil || len(report.Quarantined)+len(report.Missing) > 0 {
				t.Errorf("sweep: %+v, %v", report, err)
			}
			mustAgree(t, s)
		})
	}
}

func wantFault(t *testing.T, err, cause error) {
	t.Helper()
	full := cause == syscall.ENOSPC || cause == syscall.EDQUOT
	if !errors.Is(err, cause) || errors.Is(err, ErrNoSpace) != full {
		t.Errorf("error %v, want %v, as ErrNoSpace %v", err, cause, full)
	}
}

// TestFailedFlushIsNotRepeated: the second flush of an upload would succeed,
// as it does on Linux, and must not be believed.
func TestFailedFlushIsNotRepeated(t *testing.T) {
	s, faults := openFaulty(t)
	id := register(t, s, "anna")
	for _, op := range []string{"sync", "syncdir"} {
		u := receiveWhile(t, s, faults, id, &fault{op, "", syscall.EIO})
		first := u.Verify(t.Context())
		faults.now.Store(nil)
		if again := u.Verify(t.Context()); first == nil || again == nil {
			t.Errorf("%s: verify %v, then %v", op, first, again)
		}
	}
}

// TestFailedWriteIsTheEnd: what was written around a failure cannot be whole.
func TestFailedWriteIsTheEnd(t *testing.T) {
	s, faults := openFaulty(t)
	u, err := s.Begin(t.Context(), register(t, s, "anna"), "a.txt", 16)
	if err != nil {
		t.Fatal(err)
	}
	faults.now.Store(&fault{"write", "", syscall.EIO})
	_, first := u.Write([]byte("content"))
	faults.now.Store(nil)
	_, again := u.Write([]byte("content"))
	for what, err := range map[string]error{
		"write": first, "write again": again, "received": u.Received(t.Context(), Sums{}), "verify": u.Verify(t.Context()),
	} {
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := u.Discard(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestVerifyNeedsItsIntent: once the row says that the upload is to be removed,
// by whoever, it cannot be verified.
func TestVerifyNeedsItsIntent(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	u := receive(t, s, register(t, s, "anna"), "a.txt", []byte("content"))
	if err := s.update(t.Context(), func(x tx) error { return condemnIntent(x, u.name) }); err != nil {
		t.Fatal(err)
	}
	if err := u.Verify(t.Context()); !errors.Is(err, ErrUploadState) {
		t.Errorf("verify: %v", err)
	}
	if got := contentOf(t, s, "a.txt"); got != "" {
		t.Errorf("verified %q", got)
	}
	if _, err := s.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	mustAgree(t, s)
}

func receiveWhile(t *testing.T, s *Store, faults *faults, id ClientID, fault *fault) *Upload {
	t.Helper()
	faults.now.Store(fault)
	return receive(t, s, id, "a.txt", []byte("content"))
}

// TestRemovalThatFailsIsDoneLater: replaced content that cannot be removed is
// kept in mind.
func TestRemovalThatFailsIsDoneLater(t *testing.T) {
	faults := &faults{}
	troubled := make(chan error, 100)
	s := openTest(t, Options{
		DataDir:    fastDir(t),
		Trouble:    func(err error) { troubled <- err },
		FileSystem: func(below FileSystem) FileSystem { faults.FileSystem = below; return faults },
	})
	id := register(t, s, "anna")
	verifyNew(t, s, id, "a.txt", "first")
	faults.now.Store(&fault{"remove", "files/", syscall.EIO})
	verifyNew(t, s, id, "a.txt", "second")
	if err := <-troubled; !errors.Is(err, syscall.EIO) {
		t.Errorf("trouble: %v", err)
	}
	faults.now.Store(nil)
	mustAgree(t, s) // what waits to be removed is no stray
	if report, err := s.Sweep(t.Context()); err != nil || report.Removed != 1 {
		t.Errorf("sweep: %+v, %v", report, err)
	}
}

// TestFaultOfTheDatabase: whether a commit failed or only its answer was lost,
// an upload that was not acknowledged harms nothing.
func TestFaultOfTheDatabase(t *testing.T) {
	for steps := 1; steps < 20; steps++ {
		m := newMachine(t, Options{}, nil)
		var c crash
		m.options.database = func(d database) database { return flakyRows{crashRows{database: d, crash: &c}} }
		if err := m.open(t.Context()); err != nil {
			t.Fatal(err)
		}
		id := register(t, m.store, "anna")
		u, err := m.receive(t.Context(), id, "a.txt", []byte("first"))
		if err == nil {
			err = m.verify(t.Context(), u, []byte("first"))
		}
		if err != nil {
			t.Fatal(err)
		}
		c.arm(steps) // and fail once
		if u, err := m.receive(t.Context(), id, "a.txt", []byte("second")); err == nil {
			_ = m.verify(t.Context(), u, []byte("second"))
			_ = u.Discard(t.Context())
		}
		c.arm(0)
		if _, err := m.store.Sweep(t.Context()); err != nil {
			t.Error(err)
		}
		if err := m.prove(t.Context()); err != nil {
			t.Errorf("failing at step %d: %v", steps, err)
		}
		m.stop(keepAll)
	}
}

// flakyRows fails at one step and works again after it.
type flakyRows struct{ crashRows }

func (r flakyRows) update(ctx context.Context, job func(tx) error) error {
	return r.once(r.crashRows.update(ctx, job))
}

func (r flakyRows) record(ctx context.Context, job func(tx) error) (mark, error) {
	at, err := r.crashRows.record(ctx, job)
	return at, r.once(err)
}

func (r flakyRows) settle(ctx context.Context, at mark) error {
	return r.once(r.crashRows.settle(ctx, at))
}

func (r flakyRows) once(err error) error {
	if errors.Is(err, errCrashed) {
		r.crash.arm(0)
	}
	return err
}

// TestFailedRemovalIsTriedAgain: content that could not be removed is removed
// later, though nothing else happens that could wake the removal.
func TestFailedRemovalIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, faults := openFaulty(t)
		id := register(t, s, "anna")
		verifyNew(t, s, id, "a.txt", "first")
		faults.now.Store(&fault{op: "remove", err: syscall.EIO})
		verifyNew(t, s, id, "a.txt", "last")
		synctest.Wait()
		faults.now.Store(nil)
		time.Sleep(failedPause - time.Nanosecond)
		synctest.Wait()
		if left := keys(t, s.content); len(left) != 2 {
			t.Errorf("left %v before the pause is over, want both contents", left)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if left := keys(t, s.content); len(left) != 1 {
			t.Errorf("left %v, want the last content", left)
		}
		mustAgree(t, s)
	})
}
