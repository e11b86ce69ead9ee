package reactor

import (
	"runtime"
	"sync"
)

// idleWorkers is how many goroutines of a pool stay when there is no work. The
// stack of a new one has to grow first: doing that for each request took 4
// percent of a session's processor time.
const idleWorkers = 64

// A pool runs connections' work on at most max goroutines. A connection is in
// it at most once, and waits in a queue of its own turn: first come, first
// served.
type pool struct {
	max   int
	serve func(*conn)

	mu         sync.Mutex
	work       sync.Cond // there is some, or the pool ends
	head, tail *conn
	queued     int
	running    int // goroutines that serve, or are about to look for work
	idle       int // goroutines that wait for work
	ending     bool
	all        sync.WaitGroup
}

func newPool(max int, serve func(*conn)) *pool {
	p := &pool{max: max, serve: serve}
	p.work.L = &p.mu
	return p
}

// submit queues c. It never blocks.
func (p *pool) submit(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.nextInPool = nil
	if p.tail == nil {
		p.head = c
	} else {
		p.tail.nextInPool = c
	}
	p.tail = c
	p.queued++
	switch {
	case p.running >= p.max:
	case p.idle > 0:
		p.idle--
		p.running++
		p.work.Signal()
	default:
		p.running++
		p.all.Go(p.run)
	}
}

func (p *pool) run() {
	for c := p.next(); c != nil; c = p.next() {
		p.serve(c)
	}
}

// next takes the first connection, and waits until there is one. It returns nil
// when the goroutine is to end.
func (p *pool) next() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.head == nil {
		p.running--
		if p.ending || p.idle >= idleWorkers {
			return nil
		}
		p.idle++
		p.work.Wait() // whoever ends the wait counts this one as running
	}
	c := p.head
	p.head = c.nextInPool
	if p.head == nil {
		p.tail = nil
	}
	c.nextInPool = nil
	p.queued--
	return c
}

// pause runs f, which waits, in the place of a goroutine that serves, unless
// work is queued. Another goroutine may take that place meanwhile.
func (p *pool) pause(f func()) {
	p.mu.Lock()
	if p.queued > 0 {
		p.mu.Unlock()
		return
	}
	p.running--
	p.mu.Unlock()
	f()
	p.mu.Lock()
	p.running++
	p.mu.Unlock()
}

// demand reports whether connections wait for their turn, and whether as many
// goroutines serve as the runtime lets run at once.
func (p *pool) demand() (waited, full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queued > 0, p.running >= runtime.GOMAXPROCS(0)
}

// end returns when no work is left and all goroutines have ended. Nothing may be
// submitted meanwhile but by the work itself.
func (p *pool) end() {
	p.mu.Lock()
	p.ending = true
	p.running += p.idle
	p.idle = 0
	p.work.Broadcast()
	p.mu.Unlock()
	p.all.Wait()
}
