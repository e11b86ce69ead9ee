package persistence

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestLowWaterMark: what is announced and not yet written counts as used, and
// the file system is asked once in a while only.
func TestLowWaterMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		free := int64(1000)
		s := &lowWater{mark: 400, free: func() (int64, error) { asked.Add(1); return free, nil }}
		must := func(n int64) {
			t.Helper()
			if err := s.enter(n); err != nil {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
		refused := func(n int64) {
			t.Helper()
			if err := s.enter(n); !errors.Is(err, ErrLowSpace) || !errors.Is(err, ErrNoSpace) {
				t.Errorf("%d bytes: %v, want ErrLowSpace", n, err)
			}
		}
		refused(601)
		must(500)
		refused(101)
		s.wrote(300)
		free -= 300
		refused(101)
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times within a second", n)
		}
		time.Sleep(spaceInterval)
		refused(101)
		must(100)
		s.leave(200) // of the 500
		refused(201)
		must(200)
		s.leave(300)
		free = 10_000
		time.Sleep(spaceInterval)
		must(9600)
		refused(1)
		if n := asked.Load(); n != 3 {
			t.Errorf("asked %d times, want 3", n)
		}
	})
}

func TestUploadsGiveAnnouncedSpaceBack(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t), MinFree: 1})
	id := register(t, s, "anna")
	verifyNew(t, s, id, "verified", "content")
	if u, err := s.Begin(t.Context(), id, "given up", 1000); err != nil {
		t.Error(err)
	} else if err := u.Discard(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := s.Begin(t.Context(), newClientID(), "nobody's", 1000); !errors.Is(err, ErrUnknownClient) {
		t.Error(err)
	}
	if n := s.lowWater.outstanding.Load(); n != 0 {
		t.Errorf("%d bytes are announced by nobody", n)
	}
	s.lowWater.mark = 1 << 62
	if _, err := s.Begin(t.Context(), id, "too much", 0); !errors.Is(err, ErrLowSpace) {
		t.Errorf("on a disk that is never so free: %v", err)
	}
}
