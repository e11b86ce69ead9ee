package persistence

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"
)

const (
	// touchInterval is how long a client's last seen may wait to be written.
	touchInterval = time.Second
	// touchBatch is how many are written by one job.
	touchBatch = 256
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
			s.troubleUnlessClosed(s.writeTouched(ctx))
		}
	}
}

// writeTouched writes what Touch noted, in parts, so that other jobs come in
// between. What cannot be written is noted again unless a later time is.
func (s *Store) writeTouched(ctx context.Context) error {
	s.mu.Lock()
	seen := s.touched
	s.touched = make(map[ClientID]time.Time, len(seen))
	s.mu.Unlock()
	// In one order, so that no two nodes wait for each other's rows.
	ids := slices.SortedFunc(maps.Keys(seen), func(a, b ClientID) int { return bytes.Compare(a[:], b[:]) })
	for part := range slices.Chunk(ids, touchBatch) {
		_, err := s.rows.record(ctx, func(t tx) error { return setLastSeen(t, part, seen) })
		if s.counters.fault(err) != nil {
			s.touchAgain(seen)
			return err
		}
		for _, id := range part {
			delete(seen, id)
		}
	}
	return nil
}

func setLastSeen(t tx, clients []ClientID, seen map[ClientID]time.Time) error {
	for _, id := range clients {
		if _, err := t.exec(`UPDATE clients SET LastSeen = ? WHERE ID = ?`, seen[id], id[:]); err != nil {
			return err
		}
	}
	return nil
}

// touchAgain notes again what was not written.
func (s *Store) touchAgain(seen map[ClientID]time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(seen, s.touched)
	s.touched = seen
}
