package persistence

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	databaseFile = "sealquay.db"
	lockFile     = "sealquay.lock"
)

// Store holds clients, files and their content. All its methods are safe for
// concurrent use and block the calling goroutine.
type Store struct {
	options  Options
	owner    string // of the uploads begun by this opening
	rows     database
	content  contents
	onDisk   bool // content is below the data directory
	lowWater lowWater
	root     *os.Root
	lock     *os.File // nil when read only, or nothing is kept below the data directory
	copying  *os.File // the data directory: who copies it holds a lock on it
	looking  bool     // nothing may be changed

	mu      sync.Mutex
	live    map[string]struct{}    // uploads that have not ended
	touched map[ClientID]time.Time // last seen, to be written

	counters counters
	probe    probe

	closed   atomic.Bool
	removing chan struct{} // holds one token while claims are carried out
	removal  chan struct{} // holds one token when content waits to be removed
	again    *time.Timer   // wakes removal for another try; there is one, however often it fails
	recorded chan struct{} // holds one token when deliveries were recorded
	stop     context.CancelFunc
	work     sync.WaitGroup
}

// Close writes what is left of last seen and closes the store. Uploads that
// have not ended cannot be verified any more: the next Open removes them.
func (s *Store) Close() error {
	if s.close() {
		return ErrClosed
	}
	var err error
	if s.stop != nil {
		s.stop()
		s.work.Wait()
		err = errors.Join(s.writeTouched(context.Background()), s.rows.resign(context.Background(), s.owner))
	}
	return errors.Join(err, s.release())
}

// close marks the store as closed and reports whether it was before. No probe
// begins after it.
func (s *Store) close() (before bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed.Swap(true)
}

// release gives back what open took, as far as it came.
func (s *Store) release() error {
	var failed []error
	if s.rows != nil {
		failed = append(failed, s.rows.close())
	}
	if s.content != nil {
		s.content.close()
	}
	if s.root != nil {
		failed = append(failed, s.root.Close())
	}
	if s.lock != nil {
		failed = append(failed, s.lock.Close())
	}
	if s.copying != nil {
		failed = append(failed, s.copying.Close())
	}
	return errors.Join(failed...)
}

// update is a transaction that changes rows.
func (s *Store) update(ctx context.Context, job func(tx) error) error {
	if s.closed.Load() {
		return ErrClosed
	}
	return withSpace(s.counters.fault(s.rows.update(ctx, job)))
}

// record is update that does not wait for stable storage; see rows.record.
func (s *Store) record(ctx context.Context, job func(tx) error) (mark, error) {
	if s.closed.Load() {
		return 0, ErrClosed
	}
	at, err := s.rows.record(ctx, job)
	return at, withSpace(s.counters.fault(err))
}

// view reads rows.
func (s *Store) view(ctx context.Context, job func(tx) error) error {
	if s.closed.Load() {
		return ErrClosed
	}
	return s.counters.fault(s.rows.view(ctx, job))
}

// readOnly reports that the store was opened only to be looked at.
func (s *Store) readOnly() bool { return s.looking }

// trouble reports a failure that no caller waits for.
func (s *Store) trouble(err error) {
	if err != nil && s.options.Trouble != nil {
		s.options.Trouble(err)
	}
}

// troubleUnlessClosed is for what goes on in the background. What Close cuts off
// is done by it, or at the next start.
func (s *Store) troubleUnlessClosed(err error) {
	if !s.closed.Load() {
		s.trouble(err)
	}
}
