package bench

import (
	"context"
	"sync"
	"time"
)

// open runs the open model. Arrivals are put into a queue when they are due,
// whether a client is free or not.
func (r *Runner) open(ctx context.Context) {
	arrivals := make(chan time.Time, r.backlog())
	var all sync.WaitGroup
	defer all.Wait()
	for _, c := range r.clients {
		all.Go(func() {
			for due := range arrivals {
				r.arrive(ctx, c, due)
			}
		})
	}
	defer close(arrivals)
	for n := int64(0); r.admit(); n++ {
		after, ok := r.plan.Stages.Due(n)
		if !ok {
			return
		}
		due := r.begin.Add(after)
		if wait := time.Until(due); wait > 0 && sleep(ctx, wait) != nil || ctx.Err() != nil {
			return
		}
		select {
		case arrivals <- due:
		default:
			r.drop(due)
		}
	}
}

// backlog is the length of the queue: all that can come in the time for which
// an arrival may wait. What finds it full would wait longer.
func (r *Runner) backlog() int {
	const most = 1 << 20
	return int(min(r.plan.Stages.Peak()*r.plan.MaxWait.Seconds(), most)) + len(r.clients)
}

// arrive begins a session, unless it is too late for it.
func (r *Runner) arrive(ctx context.Context, c *virtualClient, due time.Time) {
	if ctx.Err() != nil || time.Since(due) > r.plan.MaxWait {
		r.drop(due)
		return
	}
	_ = r.session(ctx, c, due) // it is recorded, and the next one comes anyway
}

func (r *Runner) drop(due time.Time) {
	r.recorder.shards[0].count(counts{dropped: 1}, r.measuring(due))
}
