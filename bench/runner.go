package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sealquay/sealquay/client"
)

// Options are what a run needs besides its plan. The zero value is usable.
type Options struct {
	// Dial connects to the server; by default TCP, from the plan's sources.
	Dial client.DialFunc
	// Keys are what the clients share; by default New makes them.
	Keys []*client.Key
	// ServerPID is the server's process on this machine, or 0.
	ServerPID int
	// Progress, if not nil, is called about once a second, from one goroutine.
	// The histogram is its own afterwards.
	Progress func(Interval, *hdrhistogram.Histogram)
}

// A Runner is a run that is ready to begin.
type Runner struct {
	plan     Plan
	dial     client.DialFunc
	keys     []*client.Key
	corpus   corpus
	clients  []*virtualClient
	recorder *recorder
	options  Options

	begin    time.Time
	admitted atomic.Int64
	active   atomic.Int64
}

var errCut = errors.New("the run is over")

// New checks the plan and makes all that takes time: keys, content, clients.
func New(ctx context.Context, plan Plan, o Options) (*Runner, error) {
	if err := plan.Check(); err != nil {
		return nil, err
	}
	r := &Runner{plan: plan, dial: o.Dial, keys: o.Keys, options: o, corpus: newCorpus(plan.Seed), recorder: newRecorder()}
	if len(r.keys) == 0 {
		var err error
		if r.keys, err = MakeKeys(ctx, plan.Keys); err != nil {
			return nil, err
		}
	}
	for i := range plan.slots() {
		r.clients = append(r.clients, newVirtualClient(r, i))
	}
	return r, nil
}

// MakeKeys makes n throwaway RSA keys, on all processors.
func MakeKeys(ctx context.Context, n int) ([]*client.Key, error) {
	keys, errs := make([]*client.Key, n), make([]error, n)
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && ctx.Err() == nil; i = next.Add(1) - 1 {
				keys[i], errs[i] = client.NewThrowawayKey()
			}
		})
	}
	workers.Wait()
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return nil, fmt.Errorf("make %d RSA keys: %w", n, err)
	}
	return keys, nil
}

// Run does the run. It is called once. When ctx ends, sessions under way are
// cut off and the result is that of the time so far.
func (r *Runner) Run(ctx context.Context) *Result {
	r.begin = time.Now()
	length := r.plan.Stages.Duration()
	working, cut := context.WithDeadlineCause(ctx, r.begin.Add(length+r.plan.Grace), errCut)
	defer cut()
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	m := newMonitor(r)
	var monitors sync.WaitGroup
	monitors.Go(func() { m.watch(watching) })
	monitors.Go(func() { m.lag.probe(watching) })
	if r.plan.Model == Open {
		r.open(working)
	} else {
		r.closed(working)
	}
	stop()
	monitors.Wait()
	return r.result(m, ctx.Err() != nil)
}

// since returns the time since the run began.
func (r *Runner) since() time.Duration { return time.Since(r.begin) }

// measuring reports whether what is due at t counts.
func (r *Runner) measuring(t time.Time) bool {
	at := t.Sub(r.begin)
	return at >= r.plan.Warmup && at < r.plan.Stages.Duration()
}

// admit reports whether another session may begin.
func (r *Runner) admit() bool {
	return r.plan.MaxSessions == 0 || r.admitted.Add(1) <= r.plan.MaxSessions
}

// session lets a client do one session that was due at a time.
func (r *Runner) session(ctx context.Context, c *virtualClient, due time.Time) error {
	r.active.Add(1)
	defer r.active.Add(-1)
	c.measured = r.measuring(due)
	t := sessionTime{due: due, began: time.Now(), open: r.plan.Model == Open}
	err := c.do(ctx)
	t.ended, t.rested = time.Now(), c.rested
	switch {
	case err == nil:
		c.shard.succeeded(t, c.measured)
	case ctx.Err() != nil:
		c.shard.count(counts{unfinished: 1}, c.measured)
	default:
		c.shard.failed(err, c.measured)
	}
	return err
}
