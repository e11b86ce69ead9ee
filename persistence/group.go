package persistence

import (
	"context"
	"runtime"
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
	// try runs one job. When it fails and may have changed something, it is
	// spoiled: the transaction has to be rolled back.
	try(job func(tx) error) (failed error, spoiled bool)
	// run runs one job so that its error undoes it alone. A second error
	// means that the transaction itself is lost.
	run(job func(tx) error) (failed, lost error)
	commit() error
	rollback()
}

// group gives many callers one writer: the jobs that wait while a transaction
// is under way share the next one, and those that goroutines ready to run are
// about to bring. It follows the contract of bbolt's DB.Batch, except that no
// job waits for others to come: one job alone is committed at once.
//
// Each job is undone alone when it fails; its error is handed back only after
// the group is committed, because it may rest on what others of the group did.
// When the transaction itself fails, all its jobs fail and none is in effect.
//
// The writer does not wait for the disk: flushing what it has committed is left
// to the flusher, and only those wait for that who ask for it.
type group struct {
	on      transactor
	flusher *flusher

	sizes   measure.Sizes // of the groups
	commits measure.Times

	spare   sync.Pool // *groupJob
	mu      sync.Mutex
	waiting []*groupJob
	closed  bool
	wake    chan struct{} // holds one token when there is something to look at
	ended   chan struct{}
}

type groupJob struct {
	run     func(tx) error
	durable bool        // it is done when it is on stable storage
	took    atomic.Bool // by the writer, or by the caller to withdraw it
	waiter
	err error // its own
}

// newGroup starts the writer, which ends at close. The flusher, which the group
// closes, may be nil: then nothing is flushed.
func newGroup(on transactor, flusher *flusher) *group {
	g := &group{on: on, flusher: flusher, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	g.spare.New = func() any { return &groupJob{waiter: newWaiter()} }
	go g.write()
	return g
}

// do runs a job in a shared transaction; see rows.update and rows.record.
func (g *group) do(ctx context.Context, run func(tx) error, durable bool) (mark, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	job := g.spare.Get().(*groupJob)
	job.run, job.durable = run, durable
	if !g.enqueue(job) {
		return 0, ErrClosed
	}
	select {
	case <-job.done:
		return g.outcome(job)
	case <-ctx.Done():
	}
	if job.took.CompareAndSwap(false, true) {
		return 0, ctx.Err()
	}
	<-job.done
	return g.outcome(job)
}

// outcome is what the caller gets once the job is done. After that nobody refers
// to it, and another can use it.
func (g *group) outcome(job *groupJob) (at mark, err error) {
	at, err = job.mark, job.err
	if job.lost != nil {
		at, err = 0, job.lost
	}
	job.run, job.err, job.mark, job.lost = nil, nil, 0, nil
	job.took.Store(false)
	g.spare.Put(job)
	return at, err
}

func (g *group) enqueue(job *groupJob) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.waiting = append(g.waiting, job)
	signal(g.wake)
	return true
}

// close lets the waiting jobs finish and ends the writer.
func (g *group) close() {
	g.mu.Lock()
	g.closed = true
	signal(g.wake)
	g.mu.Unlock()
	<-g.ended
	g.flusher.close()
}

func (g *group) write() {
	defer close(g.ended)
	var jobs []*groupJob
	for range g.wake {
		for {
			runtime.Gosched() // who is about to bring a job comes first
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

// commit runs the jobs and lets their callers go on: now, or when the flusher
// has been there.
func (g *group) commit(jobs []*groupJob) {
	lost := g.flusher.broken()
	if lost == nil {
		began := time.Now()
		lost = g.transact(jobs)
		g.sizes.Observe(len(jobs))
		g.commits.Observe(time.Since(began))
	}
	var at mark
	if lost == nil {
		at = g.flusher.committed()
	}
	for i, job := range jobs {
		jobs[i] = nil
		job.mark = at
		if lost == nil && job.durable && g.flusher.take(&job.waiter) {
			continue
		}
		if lost != nil {
			job.lost = lost
		}
		job.done <- struct{}{}
	}
}

// transact runs all jobs in one transaction. Hardly any job fails after it has
// changed something; so they run without a savepoint each, and when one does,
// all run again with them.
func (g *group) transact(jobs []*groupJob) (lost error) {
	done, lost := g.together(jobs)
	if done || lost != nil {
		return lost
	}
	return g.apart(jobs)
}

func (g *group) together(jobs []*groupJob) (done bool, lost error) {
	if err := g.on.begin(); err != nil {
		return false, err
	}
	for _, job := range jobs {
		var spoiled bool
		if job.err, spoiled = g.on.try(job.run); spoiled {
			g.on.rollback()
			return false, nil
		}
	}
	return true, g.finish()
}

func (g *group) apart(jobs []*groupJob) (lost error) {
	if err := g.on.begin(); err != nil {
		return err
	}
	for _, job := range jobs {
		if job.err, lost = g.on.run(job.run); lost != nil {
			g.on.rollback()
			return lost
		}
	}
	return g.finish()
}

func (g *group) finish() error {
	err := g.on.commit()
	if err != nil {
		g.on.rollback()
	}
	return err
}
