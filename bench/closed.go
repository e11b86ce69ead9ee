package bench

import (
	"context"
	"sync"
	"time"
)

// failurePause is how long a client of the closed model waits after a session
// that failed: refusing is cheaper than serving, and a server that refuses is
// not to be asked as fast as it can.
const failurePause = 100 * time.Millisecond

// closed runs the closed model: client i works while the level is above i.
func (r *Runner) closed(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, c := range r.clients {
		all.Go(func() {
			for r.turn(ctx, c) {
			}
		})
	}
}

// turn is one session of a client and the pause behind it. It reports whether
// there may be another.
func (r *Runner) turn(ctx context.Context, c *virtualClient) bool {
	now := r.since()
	at, ok := r.plan.Stages.Above(float64(c.index), now)
	if !ok || sleep(ctx, at-now) != nil || !r.admit() {
		return false
	}
	pause := r.plan.Think
	if r.session(ctx, c, time.Now()) != nil {
		pause = max(pause, failurePause)
	}
	return sleep(ctx, pause) == nil
}
