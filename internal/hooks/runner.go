package hooks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A Delivery is one file that one target has to be told of.
type Delivery struct {
	ID       string // the same at every attempt; a target tells repetitions by it
	Target   string // by the name that it has in Config.Targets
	Attempts int    // that were begun, this one included
	Event    Event
}

// An Event is what a target is told, as JSON.
type Event struct {
	Type       string    `json:"type"` // "file.verified"
	Delivery   string    `json:"delivery"`
	ClientID   string    `json:"client_id"` // 32 hexadecimal digits
	ClientName string    `json:"client_name"`
	FileName   string    `json:"file_name"`
	PathName   string    `json:"path_name"` // of the content, below the data directory
	Number     int64     `json:"number"`    // of the version of this file
	Size       int64     `json:"size"`      // bytes
	CRC32      string    `json:"crc32"`     // 8 hexadecimal digits
	Cksum      uint32    `json:"cksum"`     // as POSIX cksum prints it
	VerifiedAt time.Time `json:"verified_at"`
}

// An Outbox holds what is still to be told.
type Outbox interface {
	// Take takes up to limit deliveries that are due, for as long as lease says.
	// With none, next is when the first will be due; zero when none waits.
	Take(ctx context.Context, limit int, lease time.Duration) (taken []Delivery, next time.Time, err error)
	// Delivered ends a delivery.
	Delivered(ctx context.Context, d Delivery) error
	// Postpone gives a delivery back because of a failure. A zero time means
	// that it is never tried again.
	Postpone(ctx context.Context, d Delivery, again time.Time, failure string) error
	// Recorded holds a token when deliveries were added.
	Recorded() <-chan struct{}
}

// A Target is told of files. Deliver returns nil when it has taken the event,
// and is called by many goroutines.
type Target interface {
	Deliver(ctx context.Context, e Event) error
}

// Config says what a Runner does.
type Config struct {
	Outbox   Outbox
	Targets  map[string]Target
	Timeout  time.Duration // of one attempt
	Attempts int           // before a delivery is dead
	// Told hears of each attempt: a nil failure is a success; dead says that it
	// was the last. Fault hears of failures of the outbox. Both may be called by
	// many goroutines.
	Told  func(d Delivery, failure error, dead bool)
	Fault func(error)
}

const (
	// parallel is how many deliveries are under way at once.
	parallel = 4
	// leaseBeyond is what a lease has beyond the time of an attempt: after the
	// crash of one of several nodes a delivery waits so much longer.
	leaseBeyond = 30 * time.Second
	// rest is how long the outbox is left alone at most: other nodes may record
	// deliveries, too. After a failure of the outbox it is the wait, too.
	rest = 30 * time.Second
	// longestFailure is how much of a failure is kept, in bytes.
	longestFailure = 500
)

// A Runner delivers until it is stopped.
type Runner struct {
	Config
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// Start begins to deliver what is in the outbox.
func Start(c Config) *Runner {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Runner{Config: c, cancel: cancel}
	r.done.Go(func() { r.run(ctx) })
	return r
}

// Stop ends the attempts under way, gives their deliveries back, and returns
// when nothing is left of them.
func (r *Runner) Stop() {
	r.cancel()
	r.done.Wait()
}

func (r *Runner) run(ctx context.Context) {
	for ctx.Err() == nil {
		taken, next, err := r.Outbox.Take(ctx, parallel, r.Timeout+leaseBeyond)
		if err != nil && ctx.Err() == nil {
			r.Fault(fmt.Errorf("take deliveries: %w", err))
		}
		if len(taken) == 0 {
			r.wait(ctx, next)
			continue
		}
		var attempts sync.WaitGroup
		for _, d := range taken {
			attempts.Go(func() { r.attempt(ctx, d) })
		}
		attempts.Wait()
	}
}

// wait returns when a delivery may be due.
func (r *Runner) wait(ctx context.Context, next time.Time) {
	left := rest
	if !next.IsZero() {
		left = min(left, max(time.Until(next), 0))
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-r.Outbox.Recorded():
	}
}

func (r *Runner) attempt(ctx context.Context, d Delivery) {
	err := r.deliver(ctx, d)
	// What became of it is recorded even when the runner is being stopped.
	recording, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseBeyond)
	defer cancel()
	switch {
	case err == nil:
		err = r.Outbox.Delivered(recording, d)
		r.Told(d, nil, false)
	case ctx.Err() != nil:
		err = r.Outbox.Postpone(recording, d, time.Now(), "the server stopped")
	default:
		err = r.failed(recording, d, err)
	}
	if err != nil {
		r.Fault(fmt.Errorf("record delivery %s: %w", d.ID, err))
	}
}

func (r *Runner) deliver(ctx context.Context, d Delivery) error {
	target := r.Targets[d.Target]
	if target == nil {
		return fmt.Errorf("%w: %s", errNoTarget, d.Target)
	}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	return target.Deliver(ctx, d.Event)
}

// errNoTarget means that a delivery was recorded for a target that is not
// configured any more. It waits for it as for one that is away.
var errNoTarget = errors.New("the hook is not configured")

func (r *Runner) failed(ctx context.Context, d Delivery, failure error) error {
	dead := d.Attempts >= r.Attempts
	var again time.Time
	if !dead {
		again = time.Now().Add(pause(d.Attempts))
	}
	r.Told(d, failure, dead)
	text := failure.Error()
	return r.Outbox.Postpone(ctx, d, again, text[:min(len(text), longestFailure)])
}

// pause is the wait after so many attempts: 1 s, 2 s, 4 s, up to 10 minutes.
func pause(attempts int) time.Duration {
	return min(time.Second<<min(attempts-1, 20), 10*time.Minute)
}
