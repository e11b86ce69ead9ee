package reactor

import (
	"context"
	"fmt"
)

// Responds returns nil as soon as every event loop has come round, and an error
// when one has not before ctx ends. It is for watchdogs: what it asks for is
// what a restart would mend. Storage that is slow or away does not concern it.
// It may be called from Start until Drain.
func (r *Reactor) Responds(ctx context.Context) error {
	rounds := make(chan struct{}, len(r.loops))
	r.eachLoop(func(*loop) { rounds <- struct{}{} })
	for missing := len(r.loops); missing > 0; missing-- {
		select {
		case <-rounds:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d event loops do not respond: %w", missing, len(r.loops), ctx.Err())
		}
	}
	return nil
}
