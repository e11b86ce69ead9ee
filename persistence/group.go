package persistence

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealquay/sealquay/internal/measure"
)

// maxGroup bounds the jobs of one transaction, and so the time the first of
// them waits for the others to run.
const maxGroup = 256

// transactor runs the transactions of a group on one connection.
type transactor interface {
	begin() error
	// run runs one job so that its error undoes it alone. A second error
	// means that the transaction itself is lost.
	run(job func(tx) error) (failed, lost error)
	commit() error
	rollback()
}

// group gives many callers one writer: the jobs that wait while a transaction
// commits share the next one. It follows the contract of bbolt's DB.Batch,
// except that it never delays a job to find it company: one job alone is
// committed at once.
//
// Each job is undone alone when it fails; its error is handed back only after
// the group is committed, because it may rest on what others of the group did.
// When the transaction itself fails, all its jobs fail and none is in effect.
type group struct {
	on transactor

	sizes   measure.Sizes // of the groups
	commits measure.Times

	mu      sync.Mutex
	waiting []*groupJob
	closed  bool
	wake    chan struct{} // holds one token when there is something to look at
	ended   chan struct{}
}

type groupJob struct {
	run  func(tx) error
	took atomic.Bool // by the writer, or by the caller to withdraw it
	err  error
	done chan struct{}
}

// newGroup starts the writer, which ends at close.
func newGroup(on transactor) *group {
	g := &group{on: on, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go g.write()
	return g
}

// do runs a job in a shared transaction; see rows.update.
func (g *group) do(ctx context.Context, run func(tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	job := &groupJob{run: run, done: make(chan struct{})}
	if !g.enqueue(job) {
		return ErrClosed
	}
	select {
	case <-job.done:
		return job.err
	case <-ctx.Done():
	}
	if job.took.CompareAndSwap(false, true) {
		return ctx.Err()
	}
	<-job.done
	return job.err
}

func (g *group) enqueue(job *groupJob) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.waiting = append(g.waiting, job)
	g.signal()
	return true
}

func (g *group) signal() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// close lets the waiting jobs finish and ends the writer.
func (g *group) close() {
	g.mu.Lock()
	g.closed = true
	g.signal()
	g.mu.Unlock()
	<-g.ended
}

func (g *group) write() {
	defer close(g.ended)
	var jobs []*groupJob
	for range g.wake {
		for {
			if jobs = g.take(jobs[:0]); len(jobs) == 0 {
				break
			}
			g.commit(jobs)
		}
		if g.finished() {
			return
		}
	}
}

// finished reports that no job waits and none will come.
func (g *group) finished() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed && len(g.waiting) == 0
}

// take appends up to maxGroup waiting jobs, oldest first, to jobs.
func (g *group) take(jobs []*groupJob) []*groupJob {
	g.mu.Lock()
	defer g.mu.Unlock()
	looked := 0
	for _, job := range g.waiting {
		if len(jobs) == maxGroup {
			break
		}
		looked++
		if job.took.CompareAndSwap(false, true) {
			jobs = append(jobs, job)
		}
	}
	rest := copy(g.waiting, g.waiting[looked:])
	clear(g.waiting[rest:])
	g.waiting = g.waiting[:rest]
	return jobs
}

func (g *group) commit(jobs []*groupJob) {
	began := time.Now()
	lost := g.transact(jobs)
	g.sizes.Observe(len(jobs))
	g.commits.Observe(time.Since(began))
	for i, job := range jobs {
		if lost != nil {
			job.err = lost
		}
		jobs[i] = nil
		close(job.done)
	}
}

func (g *group) transact(jobs []*groupJob) (lost error) {
	if err := g.on.begin(); err != nil {
		return err
	}
	for _, job := range jobs {
		if job.err, lost = g.on.run(job.run); lost != nil {
			g.on.rollback()
			return lost
		}
	}
	if err := g.on.commit(); err != nil {
		g.on.rollback()
		return err
	}
	return nil
}
