package client

import (
	"context"
	"net"
	"time"

	"github.com/sealquay/sealquay/codec"
)

const (
	defaultTimeout = 2 * time.Minute
	defaultProbe   = 5 * time.Second
	defaultPause   = 50 * time.Millisecond
)

// A DialFunc connects to an address, as [net.Dialer.DialContext] does. One that
// returns a TLS connection makes the session a TLS one.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Options say how to talk to a server. The zero value of each field is its
// default.
type Options struct {
	// Server is the address, host:port.
	Server string
	// Dial connects to it. By default it is a plain net.Dialer.
	Dial DialFunc
	// Dialect is what requests are written in. Undecided, the default, means
	// documented until the first response tells the server's.
	Dialect codec.Dialect
	// Timeout bounds the connecting, each wait for a response, and the writing
	// of each 256 KiB. 2 minutes by default.
	Timeout time.Duration
	// Probe bounds the first wait for a response to a 1101 in an undecided
	// dialect: the seed's server leaves it unanswered. 5 seconds by default.
	// Only Transfer uses it.
	Probe time.Duration
	// Pause is what a server of the seed's dialect gets to take what must
	// arrive alone, after it has reached its machine. 50 milliseconds by default.
	Pause time.Duration
	// Observe, if not nil, is told how long each request took: from before its
	// first byte was written until its response was there, not yet judged. It is
	// called by the goroutine that uses the session.
	Observe func(request codec.Code, took time.Duration)
}

func (o Options) withDefaults() Options {
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Probe == 0 {
		o.Probe = defaultProbe
	}
	if o.Pause == 0 {
		o.Pause = defaultPause
	}
	if o.Observe == nil {
		o.Observe = func(codec.Code, time.Duration) {}
	}
	return o
}
