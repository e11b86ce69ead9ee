package persistence

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"
)

const (
	// probeAge is how long the outcome of a probe counts: who asks often shares it.
	probeAge = time.Second
	// probeSize is how much content a probe writes, in bytes.
	probeSize = 64 << 10
	// probeName is part of the key of a probe's content, which is never visible.
	probeName = "probe"
)

// probe is the last look whether the storage works. Several who ask share one.
type probe struct {
	mu   sync.Mutex
	last *probing
}

// probing is one look.
type probing struct {
	done chan struct{}
	err  error     // once done
	at   time.Time // when it was done
}

// Ready returns nil when the storage can do what an acknowledgement takes, and
// otherwise why it cannot. It finds out by doing it: a row is written and
// committed, 64 KiB of content are written, flushed, and given up. That is done
// at most once a second, however many ask. A storage that does not answer while
// ctx lasts is not ready either.
func (s *Store) Ready(ctx context.Context) error {
	p, err := s.probing()
	if err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("the storage does not answer: %w", ctx.Err())
	}
}

// probing returns the look that is under way or was just done, or begins one.
func (s *Store) probing() (*probing, error) {
	s.probe.mu.Lock()
	defer s.probe.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return nil, ErrClosed
	}
	if p := s.probe.last; p != nil && !p.old() {
		return p, nil
	}
	p := &probing{done: make(chan struct{})}
	s.work.Go(func() {
		p.err = s.tryOut()
		p.at = time.Now()
		close(p.done)
	})
	s.probe.last = p
	return p, nil
}

func (p *probing) old() bool {
	select {
	case <-p.done:
		return time.Since(p.at) >= probeAge
	default:
		return false
	}
}

// tryOut does what an upload does, and leaves nothing behind.
func (s *Store) tryOut() error {
	ctx := context.Background()
	if err := s.update(ctx, func(t tx) error {
		_, err := t.exec(`UPDATE store SET Since = Since`)
		return err
	}); err != nil {
		return fmt.Errorf("commit a row: %w", err)
	}
	key := versionKey(ClientID{}, rand.Text(), probeName)
	d, err := s.content.create(ctx, key)
	if err != nil {
		return fmt.Errorf("make a file: %w", withSpace(s.counters.fault(err)))
	}
	_, err = d.Write(make([]byte, probeSize))
	if err == nil {
		err = d.flush(ctx)
	}
	_, discarding := d.discard()
	if err = errors.Join(s.counters.fault(err), discarding); err != nil {
		return fmt.Errorf("write a file: %w", withSpace(err))
	}
	if _, err := s.content.size(ctx, key); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for a file: %w", s.counters.fault(cmp.Or(err, fs.ErrExist)))
	}
	return nil
}
