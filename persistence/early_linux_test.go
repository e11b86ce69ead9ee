package persistence

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
)

// window is a part of a file that was sent.
type window struct {
	fd             int
	offset, length int64
}

// rangeSyncs are calls of sync_file_range that end when they are told.
type rangeSyncs struct {
	begun chan window
	end   chan error
}

func newRangeSyncs() *rangeSyncs {
	return &rangeSyncs{begun: make(chan window, 100), end: make(chan error)}
}

func (r *rangeSyncs) sync(fd int, offset, length int64) error {
	r.begun <- window{fd, offset, length}
	return <-r.end
}

// newEarlyFiles makes files whose windows r sends.
func newEarlyFiles(t *testing.T, r *rangeSyncs, n int) (files []*earlyFile) {
	t.Helper()
	var shared *early
	for range n {
		file, err := os.Create(filepath.Join(t.TempDir(), "file"))
		if err != nil {
			t.Fatal(err)
		}
		if shared == nil {
			shared = newEarly(file, func(int, int64, int64) error { return nil })
			shared.sync = r.sync
		}
		files = append(files, &earlyFile{File: file, early: shared})
	}
	return files
}

func writeWindows(t *testing.T, f *earlyFile, count int) {
	t.Helper()
	if n, err := f.Write(make([]byte, count)); n != count || err != nil {
		t.Fatal(n, err)
	}
}

func finish(t *testing.T, what func() error) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- what() }()
	return done
}

// TestEarlyWindowsTakeTurns: one window of all files is under way, and a file that
// has much to send waits behind one that has little.
func TestEarlyWindowsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRangeSyncs()
		files := newEarlyFiles(t, r, 3)
		writeWindows(t, files[0], 4*earlyWindow+1)
		synctest.Wait()
		writeWindows(t, files[1], earlyWindow-1)
		writeWindows(t, files[1], 1)
		synctest.Wait()
		writeWindows(t, files[2], earlyWindow)
		synctest.Wait()
		var order []window
		for ended := 0; ended < 6; ended++ {
			synctest.Wait()
			for len(r.begun) > 0 {
				order = append(order, <-r.begun)
			}
			if under := len(order) - ended; under > 1 {
				t.Fatalf("%d windows under way", under)
			}
			r.end <- nil
		}
		fd := func(i int) int { return int(files[i].Fd()) }
		want := []window{{fd(0), 0, earlyWindow}, {fd(1), 0, earlyWindow}, {fd(2), 0, earlyWindow},
			{fd(0), earlyWindow, earlyWindow}, {fd(0), 2 * earlyWindow, earlyWindow}, {fd(0), 3 * earlyWindow, earlyWindow}}
		if !slices.Equal(order, want) {
			t.Errorf("sent %v, want %v", order, want)
		}
		for _, f := range files {
			if err := errors.Join(f.Sync(), f.Close()); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestEarlySyncWaits until what is under way is there, and tells its failure,
// which the kernel would not tell again.
func TestEarlySyncWaits(t *testing.T) {
	for _, failure := range []error{nil, syscall.EIO} {
		synctest.Test(t, func(t *testing.T) {
			r := newRangeSyncs()
			file := newEarlyFiles(t, r, 1)[0]
			writeWindows(t, file, 2*earlyWindow)
			synced := finish(t, file.Sync)
			synctest.Wait()
			if len(synced) > 0 {
				t.Error("it did not wait")
			}
			r.end <- failure
			if failure == nil {
				r.end <- nil // the second window; after a failure nothing more is sent
			}
			if err := <-synced; !errors.Is(err, failure) {
				t.Errorf("%v, want %v", err, failure)
			}
			writeWindows(t, file, 1)
			if err := file.Sync(); !errors.Is(err, failure) {
				t.Errorf("again: %v, want %v", err, failure)
			}
			file.Close()
		})
	}
}

// TestEarlyCloseWaits: a descriptor that a call uses is not closed, and what is
// still to be sent is given up.
func TestEarlyCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRangeSyncs()
		file := newEarlyFiles(t, r, 1)[0]
		writeWindows(t, file, 5*earlyWindow)
		synctest.Wait()
		closed := finish(t, file.Close)
		synctest.Wait()
		if len(closed) > 0 {
			t.Error("it did not wait")
		}
		r.end <- nil
		if err := <-closed; err != nil || len(r.begun) != 1 {
			t.Errorf("%v, %d windows sent", err, len(r.begun))
		}
	})
}

// TestEarlyLeavesTheSlotsOfFlushes: while a large file is drained, as many small
// ones are flushed as at any time.
func TestEarlyLeavesTheSlotsOfFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRangeSyncs()
		d := &disk{durable: true, syncs: newSyncs()}
		large := newEarlyFiles(t, r, parallelSyncs)
		var waiting []<-chan error
		for _, f := range large {
			writeWindows(t, f, earlyWindow)
			draft := &diskDraft{disk: d, temp: earlyTemp{f}}
			waiting = append(waiting, finish(t, func() error { return draft.flush(context.Background()) }))
		}
		synctest.Wait()
		if used := len(d.syncs.slots); used != 0 {
			t.Errorf("%d slots are taken", used)
		}
		for range large {
			r.end <- nil
		}
		for _, w := range waiting {
			if err := <-w; err != nil {
				t.Error(err)
			}
		}
		for _, f := range large {
			f.Close()
		}
	})
}

// earlyTemp is a Temp that is never linked.
type earlyTemp struct{ *earlyFile }

func (earlyTemp) Link(string) error    { return errors.ErrUnsupported }
func (earlyTemp) Replace(string) error { return errors.ErrUnsupported }

// TestEarlyWhereItCanBe: relaxed durability flushes nothing, and a system without
// the call is told at the beginning.
func TestEarlyWhereItCanBe(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := root.Mkdir(temporaryFolder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, durable := range []bool{true, false} {
		files, err := newRootFS(root, nil, durable)
		if err != nil {
			t.Fatal(err)
		}
		if sent := files.early != nil; sent != durable {
			t.Errorf("durable %v: early %v", durable, sent)
		}
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if newEarly(file, func(int, int64, int64) error { return syscall.ENOSYS }) != nil {
		t.Error("the call that does not exist is used")
	}
	plain := &earlyFile{File: file}
	content := bytes.Repeat([]byte("x"), 2*earlyWindow)
	if _, err := plain.Write(content); err != nil || plain.Sync() != nil {
		t.Error(err)
	}
}
