package persistence

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sealquay/sealquay/internal/measure"
)

// mark is a place in the order of commits. What is committed is put on stable
// storage in that order, never a later commit without an earlier one.
type mark uint64

// everything is the mark of all that has been committed so far, whatever a view
// has seen of it.
const everything = ^mark(0)

// flusher puts what a writer has committed on stable storage, while the writer
// goes on: one flush serves all who wait when it begins. A nil flusher has
// nothing to do.
//
// A flush that failed is the last one. The kernel may have dropped what it
// could not write, and the log of commits is worth nothing behind a gap: so
// from then on everything fails, until the store is opened again.
type flusher struct {
	what  string // is flushed, in errors
	flush func() error
	times measure.Times // of flushes

	mu      sync.Mutex
	last    mark // that was committed
	stable  mark // that is on stable storage
	failed  error
	waiting []*waiter
	closed  bool
	wake    chan struct{} // holds one token when there is something to look at
	ended   chan struct{}
}

// waiter waits for a mark to be on stable storage.
type waiter struct {
	mark mark
	done chan struct{} // gets one token
	lost error         // once done
}

func newWaiter() waiter { return waiter{done: make(chan struct{}, 1)} }

// newFlusher starts a flusher, which ends at close.
func newFlusher(what string, flush func() error) *flusher {
	f := &flusher{what: what, flush: flush, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go f.run()
	return f
}

// committed notes a commit of the writer and returns its mark.
func (f *flusher) committed() mark {
	if f == nil {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	return f.last
}

// broken returns the failure after which nothing can be promised.
func (f *flusher) broken() error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// take makes a waiter wait, and reports false when there is nothing to wait for.
func (f *flusher) take(w *waiter) bool {
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.failed != nil:
		w.lost = f.failed
		return false
	case w.mark <= f.stable:
		return false
	case f.closed:
		w.lost = ErrClosed
		return false
	}
	f.waiting = append(f.waiting, w)
	signal(f.wake)
	return true
}

// settle returns when what was committed up to a mark is on stable storage.
func (f *flusher) settle(ctx context.Context, at mark) error {
	if f == nil {
		return nil
	}
	w := newWaiter()
	w.mark = at
	if !f.take(&w) {
		return w.lost
	}
	select {
	case <-w.done:
		return w.lost
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close serves those who wait and ends the flusher. Nothing is committed any
// more.
func (f *flusher) close() {
	if f == nil {
		return
	}
	f.mu.Lock()
	f.closed = true
	signal(f.wake)
	f.mu.Unlock()
	<-f.ended
}

func (f *flusher) run() {
	defer close(f.ended)
	var waiting []*waiter
	for range f.wake {
		for {
			var last mark
			if waiting, last = f.begin(waiting[:0]); len(waiting) == 0 {
				break
			}
			f.serve(waiting, last)
		}
		if f.finished() {
			return
		}
	}
}

// begin takes those who wait, and gives back a slice that is not in use.
func (f *flusher) begin(spare []*waiter) (waiting []*waiter, last mark) {
	f.mu.Lock()
	defer f.mu.Unlock()
	waiting, f.waiting = f.waiting, spare
	return waiting, f.last
}

// finished reports that nobody waits and nobody will.
func (f *flusher) finished() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed && len(f.waiting) == 0
}

func (f *flusher) serve(waiting []*waiter, last mark) {
	err := f.broken()
	if err == nil {
		began := time.Now()
		err = f.flush()
		f.times.Observe(time.Since(began))
		err = f.settled(last, err)
	}
	for i, w := range waiting {
		waiting[i] = nil
		w.lost = err
		w.done <- struct{}{}
	}
}

// settled notes the outcome of a flush of all up to last.
func (f *flusher) settled(last mark, err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.failed = fmt.Errorf("flush of %s: %w; nothing can be stored there until the store is opened again", f.what, err)
		return f.failed
	}
	f.stable = last
	return nil
}
