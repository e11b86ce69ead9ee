package persistence

import (
	"context"
	"maps"
	"time"
)

// Touch notes that a client was seen now. It does not block: the time is
// written within about a second, with many others, and by Close.
func (s *Store) Touch(id ClientID) {
	at := now()
	s.mu.Lock()
	s.touched[id] = at
	s.mu.Unlock()
}

func (s *Store) touchLoop(ctx context.Context) {
	tick := time.NewTicker(touchInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.trouble(s.writeTouched(ctx))
		}
	}
}

// writeTouched writes what Touch noted. What cannot be written is noted again
// unless a later time is.
func (s *Store) writeTouched(ctx context.Context) error {
	s.mu.Lock()
	seen := s.touched
	s.touched = make(map[ClientID]time.Time, len(seen))
	s.mu.Unlock()
	if len(seen) == 0 {
		return nil
	}
	err := s.rows.update(ctx, func(t tx) error {
		for id, at := range seen {
			if _, err := t.exec(`UPDATE clients SET LastSeen = ? WHERE ID = ?`, at, id[:]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.mu.Lock()
		maps.Copy(seen, s.touched)
		s.touched = seen
		s.mu.Unlock()
	}
	return err
}
