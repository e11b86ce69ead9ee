package live

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/handlers"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/internal/measure"
	"github.com/sealquay/sealquay/persistence"
	"github.com/sealquay/sealquay/reactor"
)

// Sources are what is shown.
type Sources struct {
	Reactor  interface{ Snapshot() reactor.Snapshot }
	Handlers interface {
		Snapshot() handlers.Snapshot
		TopClients(n int) []measure.Ranked[codec.ClientID]
		Uploads(n int) []handlers.UploadSnapshot
	}
	Store interface {
		Snapshot() persistence.Snapshot
		Client(context.Context, persistence.ClientID) (persistence.Client, error)
		WaitingRemovals(context.Context) (int64, error)
		Quota() persistence.Quota
		TotalUsage(context.Context) (files, bytes int64, ok bool, err error)
		ClientUsage(context.Context, persistence.ClientID) (files, bytes int64, ok bool, err error)
	}
	// Ready returns why the storage does not work, or nil. It may take its time.
	Ready func(context.Context) error

	Version string
	Addr    string // that clients connect to
}

// A reading is all figures at a moment.
type reading struct {
	at       time.Time
	reactor  reactor.Snapshot
	handlers handlers.Snapshot
	store    persistence.Snapshot
	cpu      time.Duration // of the process so far
}

func (s *Sources) read() *reading {
	return &reading{
		at:       time.Now(),
		reactor:  s.Reactor.Snapshot(),
		handlers: s.Handlers.Snapshot(),
		store:    s.Store.Snapshot(),
		cpu:      processorTime(),
	}
}

func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// answers is how long answers took. Uploads are not among them: their time is
// that of the client's network.
func (r *reading) answers() (all measure.TimesSnapshot) {
	for i := range r.handlers.Operations {
		if o := &r.handlers.Operations[i]; o.Name != "encrypted_file" {
			all.Add(&o.Duration)
		}
	}
	return all
}

// A cause is a reason and what it stood against.
type cause struct {
	what   string
	reason logging.Reason
}

// The whats of a cause.
const (
	whatRequest    = "request refused"
	whatConnection = "connection refused"
	whatEnd        = "connection ended"
)

// causes returns how often each cause occurred, without the ordinary end of a
// connection.
func (r *reading) causes() map[cause]int64 {
	all := make(map[cause]int64)
	for reason, n := range r.handlers.Refusals {
		all[cause{whatRequest, reason}] = n
	}
	for reason, n := range r.reactor.Refused {
		all[cause{whatConnection, reason}] = n
	}
	for reason, n := range r.reactor.Closed {
		if reason != logging.ClientClosed {
			all[cause{whatEnd, reason}] = n
		}
	}
	return all
}

// refused counts everything that the server refused.
func (r *reading) refused() (n int64) {
	for _, c := range r.handlers.Refusals {
		n += c
	}
	for _, c := range r.reactor.Refused {
		n += c
	}
	return n
}
