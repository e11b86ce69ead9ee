package persistence

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// spaceInterval is how long an answer of the file system is believed.
const spaceInterval = time.Second

// lowWater keeps the disk from filling up below a mark: an upload is let in only if
// what it announces, and what others have announced and not yet written, leaves
// that much free. It is safe for concurrent use.
type lowWater struct {
	mark int64                 // bytes; 0: everything is let in
	free func() (int64, error) // asks the file system

	outstanding atomic.Int64 // announced by uploads under way, and not yet written

	mu     sync.Mutex
	left   int64 // free and not announced
	looked time.Time
}

// enter lets an upload of n bytes in, or fails with ErrLowSpace.
func (s *lowWater) enter(n int64) error {
	if s.mark == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.looked) >= spaceInterval {
		// In this order what is written in between counts twice, not never.
		outstanding := s.outstanding.Load()
		free, err := s.free()
		if err != nil {
			return err
		}
		s.left, s.looked = free-outstanding, now
	}
	if s.left-n < s.mark {
		return fmt.Errorf("%w: %d bytes would be left, and the mark is %d", ErrLowSpace, s.left-n, s.mark)
	}
	s.left -= n
	s.outstanding.Add(n)
	return nil
}

// wrote notes that n bytes of what was announced are on the disk.
func (s *lowWater) wrote(n int64) { s.outstanding.Add(-n) }

// leave gives back n bytes that were announced and are not going to be written.
func (s *lowWater) leave(n int64) {
	if n == 0 {
		return
	}
	s.outstanding.Add(-n)
	s.mu.Lock()
	s.left += n
	s.mu.Unlock()
}
