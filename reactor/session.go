package reactor

import (
	"context"
	"net/netip"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// ConnInfo describes a connection to the session that serves it.
type ConnInfo struct {
	ID     uint64         // unique in this process, in the order of acceptance
	Remote netip.AddrPort // the client's address
	TLS    bool           // it comes through TLS
}

// A Request is one framed request. Its payload is valid only during the call
// that it is passed to.
type Request struct {
	Frame   codec.Frame
	Refusal *codec.Error // not nil: it cannot be served; the answer is a refusal
	Arrived time.Time    // when its last byte was read
}

// An Answer says what follows from a request or from content.
type Answer struct {
	Response    codec.Response // nil: nothing is sent
	Close       bool           // the connection is closed when the response is out
	SkipContent bool           // the rest of the content is passed over unread
	More        bool           // the client is expected to go on with this; a drain waits for it
	// Patience is how long the client may be silent before its next request;
	// 0 is the configured idle time. Reason is logged when it runs out.
	Patience time.Duration
	Reason   logging.Reason
	Pause    time.Duration // for which the connection is not read, because of a rate
}

func (a Answer) empty() bool {
	return a.Response == nil && !a.Close && !a.SkipContent && !a.More && a.Patience == 0 && a.Pause == 0
}

// A Session is one connection's conversation. Its methods are called in the
// order of the bytes, one at a time, from changing goroutines.
type Session interface {
	// Request handles a request. It may wait for storage.
	Request(ctx context.Context, r Request) Answer
	// Content handles the next piece of the last request's content, whose
	// length is a positive multiple of 16; the piece may be changed in place and
	// not kept. It is called by the fixed pool of workers and must not wait for
	// more than a write.
	Content(ctx context.Context, p []byte) Answer
	// ContentEnd is called once the content is complete. It may wait for storage.
	ContentEnd(ctx context.Context) Answer
	// Close ends the session; nothing is called after it. It may wait for storage.
	Close()
}
