package reactor

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// A conn is one connection. Its first part belongs to its loop, the second to
// whoever holds the lock, the third to the goroutine that serves it.
type conn struct {
	r      *Reactor
	id     uint64
	opened time.Time

	loop         *loop
	remote       netip.AddrPort // the client's; behind a proxy only once its header is there
	source       netip.Prefix   // that it is counted for; invalid before that
	proxy        *proxyHeader   // that is still to come; nil: none
	gnet         gnet.Conn      // nil before it was opened
	fd           int
	decoder      codec.Decoder
	upload       uint32 // numbers the uploads, so that an answer finds its own
	filling      *task  // the content task that is being filled
	kept         bool   // it is one of the loop's that keep such a task
	carry        [blockBytes]byte
	carried      int // bytes of an incomplete block in carry
	bytesIn      int64
	bytesOut     int64
	requests     uint64
	wheelLink    wheelLink
	clock        clock
	hold         hold
	paused       bool // and so not read; hold may have changed since
	closed       bool
	ending       bool // input is passed over: the connection closes after an answer
	answeredLast bool // that answer was written
	reason       logging.Reason

	mu         sync.Mutex
	head, tail *task
	waiting    int64         // bytes of memory in the queue
	serving    bool          // in a pool, or being served
	full       bool          // waiting went over the high mark, and not yet under the low one
	unblocked  chan struct{} // where the loop has to be blocked: that it need not be any more
	answers    int           // on their way to the loop
	afterlife  int           // a duplicate of the descriptor, to answer a half-closed client; -1: none
	finished   bool
	nextInPool *conn // the pool's

	uploads atomic.Int32 // places that it holds among the uploads
	session Session
	broken  bool          // the session panicked: it is only closed from now on
	dialect codec.Dialect // of the request at hand
}

func newConn(r *Reactor, id uint64, remote netip.AddrPort) *conn {
	return &conn{r: r, id: id, remote: remote, opened: time.Now(), fd: -1, afterlife: -1}
}

// busy reports whether the server owes the client work or an answer.
func (c *conn) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.serving || c.head != nil || c.answers > 0
}
