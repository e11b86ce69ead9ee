package bench

import (
	"errors"
	"fmt"
	"math"
	"net"
	"time"

	"github.com/sealquay/sealquay/codec"
)

// A Model says what begins a session.
type Model string

// The models.
const (
	// Closed: each client begins a session when its last one is over and it has
	// thought. A slow server is asked less.
	Closed Model = "closed"
	// Open: sessions begin at a rate, whatever became of those before.
	Open Model = "open"
)

// Bounds of a plan.
const (
	MaxClients  = 100_000
	MaxDuration = 24 * time.Hour
	maxFiles    = 1_000_000
	maxKeys     = 10_000
	// maxSealed bounds the content that all clients hold encrypted at once.
	maxSealed = 256 << 20
)

// A Plan says what a run does. Times are in nanoseconds in JSON.
type Plan struct {
	Target  string `json:"target"`  // host:port
	Dialect string `json:"dialect"` // documented or seed
	TLS     bool   `json:"tls"`     // load its TLS listener; who the server is does not matter
	Model   Model  `json:"model"`

	// Stages are of clients at once (closed) or of sessions per second (open).
	Stages Stages `json:"stages"`
	// Warmup is the start of the run, which is left out of the figures.
	Warmup time.Duration `json:"warmup_ns"`
	// Grace is how long sessions under way may go on after the last stage.
	Grace time.Duration `json:"grace_ns"`
	// Clients bounds the sessions at once in the open model.
	Clients int `json:"clients"`
	// MaxWait is how long an arrival may wait for a free client in the open
	// model, before it is dropped.
	MaxWait time.Duration `json:"max_wait_ns"`
	// Think is the pause between two sessions of a client in the closed model.
	Think time.Duration `json:"think_ns"`
	// MaxSessions ends the run early; 0 is no bound.
	MaxSessions int64 `json:"max_sessions"`

	Mix   Mix   `json:"mix"`
	Sizes Sizes `json:"sizes"`
	// Files is how many files the scenario many-files sends.
	Files int `json:"files"`
	// Idle is how long a client of idle-crowd is silent.
	Idle time.Duration `json:"idle_ns"`
	// SlowRate is what a slow sender sends, in bytes per second.
	SlowRate int64 `json:"slow_rate"`

	// Seed decides sizes, content and the order of the mix.
	Seed uint64 `json:"seed"`
	// Precompute encrypts a content before its upload is timed. Files of one
	// session that have the same size share it. Otherwise content is encrypted
	// while it is sent.
	Precompute bool `json:"precompute"`
	// Keys is the number of RSA keys that the clients share.
	Keys int `json:"keys"`

	// Timeout bounds each wait for the server.
	Timeout time.Duration `json:"timeout_ns"`
	// Pause is what a server of the seed's dialect gets to read what must arrive
	// alone; it is a part of the latency.
	Pause time.Duration `json:"pause_ns"`
	// Sources is the number of loopback addresses that connections come from.
	Sources int `json:"sources"`
	// Remember keeps what was acknowledged, so that Verify can look for it.
	Remember bool `json:"remember"`
	// Name begins the name of every client. Each run needs another one.
	Name string `json:"name"`
}

// Check says what is wrong with the plan.
func (p *Plan) Check() error {
	var problems []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	_, _, err := net.SplitHostPort(p.Target)
	require(err == nil, "the target is %q; it should be HOST:PORT", p.Target)
	require(p.Dialect == codec.Documented.String() || p.Dialect == codec.Seed.String(), "the dialect is %q", p.Dialect)
	require(p.Model == Closed || p.Model == Open, "the model is %q", p.Model)
	problems = append(problems, p.Stages.check(), p.Mix.check(), p.Sizes.check())
	length := p.Stages.Duration()
	require(length <= MaxDuration, "the stages last %v; at most %v", length, MaxDuration)
	require(p.Warmup >= 0 && p.Warmup < length, "the warm-up of %v leaves nothing of %v", p.Warmup, length)
	require(p.slots() >= 1 && p.slots() <= MaxClients, "%d clients; 1 to %d", p.slots(), MaxClients)
	require(p.Model != Open || p.Stages.Peak() <= 1e6, "a rate of %g per second; at most a million", p.Stages.Peak())
	require(p.Model != Open || p.MaxWait > 0, "an arrival may wait for %v; more than 0", p.MaxWait)
	require(p.Files >= 1 && p.Files <= maxFiles, "%d files in a session; 1 to %d", p.Files, maxFiles)
	require(p.Keys >= 1 && p.Keys <= maxKeys, "%d keys; 1 to %d", p.Keys, maxKeys)
	require(p.Sources >= 1 && p.Sources <= maxSources, "%d source addresses; 1 to %d", p.Sources, maxSources)
	require(p.SlowRate >= 1 && p.Timeout > 0 && p.Grace >= 0 && p.MaxWait >= 0 && p.Think >= 0 && p.Idle >= 0 && p.MaxSessions >= 0,
		"a time, a rate or a number is negative, or the timeout or the slow rate is zero")
	require(p.Name != "" && len(p.Name) <= 64, "the name of the clients has %d bytes; 1 to 64", len(p.Name))
	require(!p.Precompute || p.Sizes.largest()*int64(p.slots()) <= maxSealed,
		"%d clients cannot each hold %d bytes encrypted: stream instead", p.slots(), p.Sizes.largest())
	require(p.Dialect != codec.Seed.String() || !p.Mix.reuses(), "a server of the seed's dialect closes after one file: no many-files and no reconnect")
	return errors.Join(problems...)
}

// slots is the number of clients at once.
func (p *Plan) slots() int {
	if p.Model == Open {
		return p.Clients
	}
	return int(math.Ceil(p.Stages.Peak()))
}

func (p *Plan) dialect() codec.Dialect {
	if p.Dialect == codec.Seed.String() {
		return codec.Seed
	}
	return codec.Documented
}
