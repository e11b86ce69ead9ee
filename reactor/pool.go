package reactor

import "sync"

// A pool runs connections' work on at most max goroutines. A connection is in
// it at most once, and waits in a queue of its own turn: first come, first
// served. Goroutines live as long as there is work.
type pool struct {
	max   int
	serve func(*conn)

	mu         sync.Mutex
	head, tail *conn
	running    int
	queued     int
	all        sync.WaitGroup
}

func newPool(max int, serve func(*conn)) *pool {
	return &pool{max: max, serve: serve}
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
	if p.running < p.max {
		p.running++
		p.all.Go(p.work)
	}
}

func (p *pool) work() {
	for c := p.next(); c != nil; c = p.next() {
		p.serve(c)
	}
}

// next takes the first connection, or ends the goroutine.
func (p *pool) next() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.head
	if c == nil {
		p.running--
		return nil
	}
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

// wait returns when no work is left. Nothing may be submitted meanwhile but by
// the work itself.
func (p *pool) wait() { p.all.Wait() }
