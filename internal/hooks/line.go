package hooks

import (
	"context"
	"fmt"
	"time"
)

// A line delivers to one target.
type line struct {
	*Runner
	name     string
	target   Target
	underWay chan struct{} // holds a token for each delivery under way
	sooner   chan struct{} // holds a token when a delivery may be due sooner than was seen
}

// run takes deliveries as long as there is room for them, until ctx ends.
func (l *line) run(ctx context.Context) {
	for l.room(ctx) {
		free := cap(l.underWay) - len(l.underWay) // nobody else begins any
		taken, next, err := l.Outbox.Take(ctx, l.name, free, l.Timeout+leaseBeyond)
		if err != nil && ctx.Err() == nil {
			l.Fault(fmt.Errorf("take deliveries to %s: %w", l.name, err))
		}
		for _, d := range taken {
			l.underWay <- struct{}{}
			l.done.Go(func() {
				l.attempt(ctx, d)
				<-l.underWay
				l.lookAgain() // it may have been postponed
			})
		}
		if len(taken) == 0 {
			l.wait(ctx, next)
		}
	}
}

// room returns true when one more delivery may be under way, and false when ctx
// has ended.
func (l *line) room(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case l.underWay <- struct{}{}:
		<-l.underWay
		return ctx.Err() == nil
	}
}

// wait returns when a delivery may be due.
func (l *line) wait(ctx context.Context, next time.Time) {
	left := rest
	if !next.IsZero() {
		left = min(left, max(time.Until(next), 0))
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-l.sooner:
	}
}

// lookAgain ends the wait for what is due, or the next one.
func (l *line) lookAgain() {
	select {
	case l.sooner <- struct{}{}:
	default:
	}
}

func (l *line) attempt(ctx context.Context, d Delivery) {
	err := l.deliver(ctx, d)
	// What became of it is recorded even when the runner is being stopped.
	recording, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseBeyond)
	defer cancel()
	switch {
	case err == nil:
		err = l.Outbox.Delivered(recording, d)
		l.Told(d, nil, false)
	case ctx.Err() != nil:
		err = l.Outbox.Postpone(recording, d, time.Now(), "the server stopped")
	default:
		err = l.failed(recording, d, err)
	}
	if err != nil {
		l.Fault(fmt.Errorf("record delivery %s: %w", d.ID, err))
	}
}

func (l *line) deliver(ctx context.Context, d Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	return l.target.Deliver(ctx, d.Event)
}

func (l *line) failed(ctx context.Context, d Delivery, failure error) error {
	dead := d.Attempts >= l.Attempts
	var again time.Time
	if !dead {
		again = time.Now().Add(pause(d.Attempts))
	}
	l.Told(d, failure, dead)
	text := failure.Error()
	return l.Outbox.Postpone(ctx, d, again, text[:min(len(text), longestFailure)])
}

// pause is the wait after so many attempts: 1 s, 2 s, 4 s, up to 10 minutes.
func pause(attempts int) time.Duration {
	return min(time.Second<<min(attempts-1, 20), 10*time.Minute)
}
