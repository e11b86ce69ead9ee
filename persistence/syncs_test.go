package persistence

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
)

// flushes are flushes that end when they are told.
type flushes struct {
	begun int
	end   chan error
}

func (f *flushes) flush(string) error {
	f.begun++
	return <-f.end
}

func TestSharedFlushBeginsAfterWhoAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, on, results := newSyncs(), &flushes{end: make(chan error)}, make(chan error, 10)
		ask := func() { results <- s.shared("directory", on.flush) }
		go ask()
		synctest.Wait()
		for range 3 {
			go ask()
		}
		synctest.Wait()
		if on.begun != 1 {
			t.Fatalf("%d flushes at once", on.begun)
		}
		on.end <- nil
		if err := <-results; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if on.begun != 2 || len(results) != 0 {
			t.Fatalf("%d flushes, %d served by the one they did not wait for", on.begun-1, len(results))
		}
		go ask() // too late for the second
		synctest.Wait()
		failed := errors.New("failed")
		on.end <- failed
		for range 3 {
			if err := <-results; err != failed {
				t.Errorf("served by the second: %v", err)
			}
		}
		on.end <- nil
		if err := <-results; err != nil || on.begun != 3 || len(s.last) != 0 {
			t.Errorf("third: %v, %d flushes, %d remembered", err, on.begun, len(s.last))
		}
	})
}

func TestFlushesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, end, results := newSyncs(), make(chan error), make(chan error, 2*parallelSyncs)
		running := 0
		for range 2 * parallelSyncs {
			go func() {
				results <- s.run(t.Context(), func() error { running++; return <-end })
			}()
			synctest.Wait()
		}
		if running != parallelSyncs {
			t.Errorf("%d flushes at once, want %d", running, parallelSyncs)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.run(ended, func() error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("run while all slots are taken: %v", err)
		}
		for range 2 * parallelSyncs {
			end <- nil
			synctest.Wait()
		}
		for range 2 * parallelSyncs {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	})
}

// TestDirectoryInDoubtIsMadeAnew: once the entry of a directory could not be
// flushed, nothing in that directory is ever taken for safe.
func TestDirectoryInDoubtIsMadeAnew(t *testing.T) {
	below := newPowerFS(&crash{})
	faults := &faults{FileSystem: below}
	d := mustDisk(t, faults)
	id := newClientID()
	faults.now.Store(&fault{"syncdir", "files$", syscall.EIO})
	first, second := plainKey(id, "first"), plainKey(id, "second")
	if err := publish(t, d, first, []byte("first")); !errors.Is(err, syscall.EIO) {
		t.Errorf("publish: %v", err)
	}
	faults.now.Store(nil)
	if err := publish(t, d, second, []byte("second")); err == nil {
		t.Error("published in a directory in doubt")
	}
	if err := d.settle(filepath.Dir(first)); err == nil {
		t.Error("settled a directory in doubt")
	}
	if err := d.remove(t.Context(), first); err != nil {
		t.Error(err)
	}
	if err := publish(t, d, second, []byte("second")); err != nil {
		t.Errorf("publish in a directory made anew: %v", err)
	}
	below.cut(loseAll)
	if size, err := d.size(t.Context(), second); err != nil || size != 6 {
		t.Errorf("after the cut: %d bytes, %v", size, err)
	}
	if _, err := d.size(t.Context(), first); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the cut: %v", err)
	}
}
