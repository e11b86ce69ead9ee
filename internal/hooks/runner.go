package hooks

import (
	"context"
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
	// Take takes up to limit deliveries to a target that are due, for as long as
	// lease says. With none, next is when the first will be due; zero when none
	// waits.
	Take(ctx context.Context, target string, limit int, lease time.Duration) (taken []Delivery, next time.Time, err error)
	// Delivered ends a delivery.
	Delivered(ctx context.Context, d Delivery) error
	// Postpone gives a delivery back because of a failure. A zero time means
	// that it is never tried again.
	Postpone(ctx context.Context, d Delivery, again time.Time, failure string) error
	// Recorded holds a token when deliveries were added, to whichever targets.
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
	// parallel is how many deliveries to one target are under way at once.
	parallel = 4
	// leaseBeyond is what a lease has beyond the time of an attempt: after the
	// crash of one of several nodes a delivery waits so much longer.
	leaseBeyond = 30 * time.Second
	// rest is how long a target's deliveries are left alone at most: other nodes
	// may record some, too. After a failure of the outbox it is the wait, too.
	rest = 30 * time.Second
	// longestFailure is how much of a failure is kept, in bytes.
	longestFailure = 500
)

// A Runner delivers until it is stopped. Each target has its own deliveries
// under way: a slow one holds up no other.
type Runner struct {
	Config
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// Start begins to deliver what is in the outbox for the targets. What is there
// for others stays as it is.
func Start(c Config) *Runner {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Runner{Config: c, cancel: cancel}
	var lines []*line
	for name, target := range c.Targets {
		l := &line{r, name, target, make(chan struct{}, parallel), make(chan struct{}, 1)}
		lines = append(lines, l)
		r.done.Go(func() { l.run(ctx) })
	}
	r.done.Go(func() { r.spread(ctx, lines) })
	return r
}

// Stop ends the attempts under way, gives their deliveries back, and returns
// when nothing is left of them.
func (r *Runner) Stop() {
	r.cancel()
	r.done.Wait()
}

// spread tells every line that deliveries were recorded.
func (r *Runner) spread(ctx context.Context, lines []*line) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.Outbox.Recorded():
		}
		for _, l := range lines {
			l.lookAgain()
		}
	}
}
