package reactor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
	"go.uber.org/zap"

	"github.com/sealquay/sealquay/internal/logging"
)

// Config says how a Reactor works. All sizes are bytes.
type Config struct {
	Listener   net.Listener // TCP; closed by the reactor; nil: only TLS is served
	TLS        TLS
	EventLoops int // 0: as many as GOMAXPROCS
	Workers    int // that handle content; 0: as many as GOMAXPROCS

	MemoryBudget int64 // bounds all content in memory
	HighMark     int64 // a connection with more waiting is not read
	LowMark      int64 // until no more than this is waiting

	MaxConnections          int
	MaxConnectionsPerSource int            // 0: any number
	MaxUploads              int            // 0: as many as MemoryBudget carries
	RegistrationsPerMinute  int            // of one source; 0: any number
	PenaltyMax              time.Duration  // the longest ban of a source; 0: none
	ProxyProtocolFrom       []netip.Prefix // whose connections begin with a PROXY protocol header

	RequestTimeout         time.Duration // for a header or a small request, from its first byte
	IdleTimeout            time.Duration // between requests
	OutputTimeout          time.Duration // for the client to read its answers
	MinimumBodyRate        int64         // bytes per second; 0: none
	ShortRegistrationGrace time.Duration // PROTOCOL.md section 3, row 4

	NewSession func(ConnInfo) Session
	Log        *zap.Logger

	blocking bool // a test wants connections to be paused without the poller

	// What a figure varies, in bytes; 0 stands for the constants of these names.
	burst, turn int
}

// waitingRequests bounds how many requests may wait for storage at once. Each
// costs a goroutine; a commit takes as many of them as there are.
const waitingRequests = 1024

// A Reactor serves connections from Start until Drain.
type Reactor struct {
	Config
	ctx     context.Context // ends when Drain gives up waiting
	cancel  context.CancelFunc
	client  *gnet.Client
	memory  *memory
	silence talk // of every connection whose client has not sent anything yet
	tasks   sync.Pool

	sources   *sources
	penalties *penalties
	limits    *limitLog
	counters  counters
	uploads   atomic.Int64

	handshakes atomic.Int64   // of TLS, under way
	shaking    sync.WaitGroup // their goroutines
	computing  chan struct{}  // holds one for each that computes

	panics atomic.Int64

	content *pool // decrypts and writes: as many goroutines as processors
	request *pool // waits for storage: many goroutines

	loops  map[gnet.EventLoop]*loop // complete before the first connection
	failed chan error               // what ended a loop unasked
	broken chan struct{}            // closed then
	breaks sync.Once                // that

	draining  atomic.Bool
	stopping  atomic.Bool // the loops may end
	lastID    atomic.Uint64
	open      atomic.Int64
	idle      chan struct{} // signalled when the last connection ends
	accepting sync.WaitGroup
	closed    chan struct{}  // the listeners are
	spare     *os.File       // whose duplicates keep descriptors in reserve
	timers    sync.WaitGroup // beside the wheels: the short registrations'
	ticking   sync.WaitGroup
	stopTicks context.CancelFunc
}

// Start makes a reactor that serves the connections of c.Listener.
func Start(c Config) (*Reactor, error) {
	if c.EventLoops == 0 {
		c.EventLoops = runtime.GOMAXPROCS(0)
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	c.fitDescriptors()
	r := &Reactor{
		Config:    c,
		memory:    newMemory(c.MemoryBudget, min(c.MaxConnections, c.MaxUploads)),
		sources:   newSources(c.MaxConnectionsPerSource, c.RegistrationsPerMinute),
		penalties: newPenalties(c.PenaltyMax),
		counters:  newCounters(),
		loops:     make(map[gnet.EventLoop]*loop),
		idle:      make(chan struct{}, 1),
		failed:    make(chan error, 1),
		broken:    make(chan struct{}),
		closed:    make(chan struct{}),
		computing: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
	r.limits = newLimitLog(c.Log, r.counters.limits)
	var err error
	if r.spare, err = os.Open(os.DevNull); err != nil {
		return nil, err
	}
	r.burst, r.turn = cmp.Or(r.burst, burst), cmp.Or(r.turn, turn)
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.tasks.New = func() any { return new(task) }
	r.content = newPool(c.Workers, r.serve(contentWork))
	r.request = newPool(waitingRequests, r.serve(requestWork))
	if err := r.startLoops(); err != nil {
		return nil, errors.Join(err, r.spare.Close())
	}
	r.startAccepting()
	return r, nil
}

func (r *Reactor) startLoops() (err error) {
	// The engine without listeners: gnet's own acceptors end for good when the
	// process runs out of descriptors, and cannot be stopped before the loops.
	r.client, err = gnet.NewClient(&callbacks{r},
		gnet.WithNumEventLoop(r.EventLoops),
		gnet.WithReadBufferCap(readBuffer),
		gnet.WithWriteBufferCap(outputMark),
		gnet.WithTCPNoDelay(gnet.TCPNoDelay),
		gnet.WithLogger(logging.NewReactor(r.Log)))
	if err != nil {
		return fmt.Errorf("make the event loops: %w", err)
	}
	if err := r.client.Start(); err != nil {
		return fmt.Errorf("start the event loops: %w", err)
	}
	if err := r.findLoops(); err != nil {
		return errors.Join(err, r.stopLoops())
	}
	ticking, stop := context.WithCancel(context.Background())
	r.stopTicks = stop
	r.ticking.Go(func() { r.tick(ticking) })
	return nil
}

// Addr returns the address that connections are accepted at: those without TLS,
// if there are any.
func (r *Reactor) Addr() netip.AddrPort {
	return r.listeners()[0].Addr().(*net.TCPAddr).AddrPort()
}

// TLSAddr returns the address that connections with TLS are accepted at; it is
// the zero value if there are none.
func (r *Reactor) TLSAddr() netip.AddrPort {
	if r.TLS.Listener == nil {
		return netip.AddrPort{}
	}
	return r.TLS.Listener.Addr().(*net.TCPAddr).AddrPort()
}

// Connections returns how many connections are open.
func (r *Reactor) Connections() int64 { return r.open.Load() }

// Panics returns how many panics were recovered from.
func (r *Reactor) Panics() int64 { return r.panics.Load() }

// Failed returns a channel that brings an error when the reactor cannot go on:
// an event loop ended though nobody asked it to. Drain is to be called then, too.
func (r *Reactor) Failed() <-chan error { return r.failed }

// Drain stops accepting, closes the connections that are idle, lets the others
// finish what they began, and returns when all are closed. When ctx ends first,
// it closes what is left and returns its error.
func (r *Reactor) Drain(ctx context.Context) error {
	r.stopAccepting()
	r.draining.Store(true)
	r.eachLoop(func(l *loop) { l.closeIdle() })
	err := r.waitForConnections(ctx)
	if err != nil {
		r.cancel()
		r.eachLoop(func(l *loop) { l.closeAll(logging.DrainTimeout) })
		_ = r.waitForConnections(context.Background())
		r.settleLoops() // if one ended, nobody waited for the connections of the others
	}
	r.stopTicks()
	r.ticking.Wait()
	r.timers.Wait()
	r.shaking.Wait()
	r.request.end()
	r.content.end()
	r.cancel()
	return errors.Join(err, r.stopLoops(), r.spare.Close())
}

// settleLoops returns when the loops have done what was asked of them before.
func (r *Reactor) settleLoops() {
	var done sync.WaitGroup
	for _, l := range r.loops {
		if !l.dead.Load() {
			done.Add(1)
			l.run(done.Done)
		}
	}
	done.Wait()
}

// stopLoops ends the loops. What is queued is done before: gnet would drop it.
func (r *Reactor) stopLoops() error {
	r.settleLoops()
	r.stopping.Store(true)
	err := r.client.Stop()
	for _, l := range r.loops {
		_ = l.peer.Close() // it carried nothing
	}
	if err != nil {
		return fmt.Errorf("stop the event loops: %w", err)
	}
	return nil
}

func (r *Reactor) waitForConnections(ctx context.Context) error {
	for r.open.Load() > 0 {
		select {
		case <-r.idle:
		case <-r.broken:
			return errLoopEnded
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case <-r.broken:
		return errLoopEnded
	default:
		return nil
	}
}

// eachLoop runs f on every loop.
func (r *Reactor) eachLoop(f func(*loop)) {
	for _, l := range r.loops {
		l.run(func() { f(l) })
	}
}

// tick moves the wheels of all loops on.
func (r *Reactor) tick(ctx context.Context) {
	ticker := time.NewTicker(wheelTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			r.eachLoop((*loop).tick)
			r.wake(r.memory.wakeWaiting())
			r.sources.forget(now)
			r.penalties.forget(now)
		}
	}
}
