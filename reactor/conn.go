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
// whoever holds the lock in it. It is what an idle connection costs, so the order of
// its fields leaves no gaps.
type conn struct {
	r      *Reactor
	id     uint64
	opened time.Time

	loop      *loop
	remote    netip.AddrPort // the client's; behind a proxy only once its header is there
	source    netip.Prefix   // that it is counted for; invalid before that
	proxy     *proxyHeader   // that is still to come; nil: none
	gnet      gnet.Conn      // nil before it was opened
	secure    *secure        // nil: without TLS
	fd        int
	wheelLink wheelLink
	active    time.Time // of the last answer, or the opening
	reason    logging.Reason
	*talk     // the reactor's silence until the client has sent something
	closed    bool

	serving    bool // in a pool, or being served
	full       bool // waiting went over the high mark, and not yet under the low one
	finished   bool // the session has ended
	mu         sync.Mutex
	answers    int32 // on their way to the loop
	head, tail *task
	waiting    int64         // bytes of memory in the queue
	unblocked  chan struct{} // where the loop has to be blocked: that it need not be any more
	afterlife  int           // a duplicate of the descriptor, to answer a half-closed client; -1: none
	nextInPool *conn         // the pool's
}

// A talk is what a connection needs once its client has sent something. Most of
// an idle crowd never does. Its first part belongs to the loop, the second to the
// goroutine that serves the connection.
type talk struct {
	decoder      codec.Decoder
	upload       uint32 // numbers the uploads, so that an answer finds its own
	filling      *task  // the content task that is being filled
	kept         bool   // it is one of the loop's that keep such a task
	carry        [blockBytes]byte
	carried      int // bytes of an incomplete block in carry
	bytesIn      int64
	bytesOut     int64
	requests     uint64
	clock        clock
	hold         hold
	paced        time.Time // until the tick after this the connection is not read; zero: it is read
	paused       bool      // and so not read; hold may have changed since
	ending       bool      // input is passed over: the connection closes after an answer
	answeredLast bool      // that answer was written

	lent     bool // a worker reads the connection
	lentAt   time.Time
	owed     []*reply   // answers that wait until it is given back
	reading  sync.Mutex // held by the worker while it reads
	recalled bool       // under that lock: the loop wants it back, or has closed it
	failed   error      // under that lock: of a read, if the connection is broken

	uploads atomic.Int32 // places that it holds among the uploads
	session Session
	broken  bool          // the session panicked: it is only closed from now on
	dialect codec.Dialect // of the request at hand
}

// listen gives the connection a talk of its own, before its first byte is
// looked at. The silence is shared and never written to.
func (c *conn) listen() {
	if c.talk == &c.r.silence {
		c.talk = new(talk)
	}
}

func newConn(r *Reactor, id uint64, remote netip.AddrPort) *conn {
	now := time.Now()
	return &conn{r: r, id: id, remote: remote, opened: now, active: now, fd: -1, afterlife: -1, talk: &r.silence}
}

// busy reports whether the server owes the client work or an answer.
func (c *conn) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.serving || c.head != nil || c.answers > 0
}
