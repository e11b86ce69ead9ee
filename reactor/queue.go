package reactor

import "github.com/sealquay/sealquay/codec"

// A taskKind says what a task asks of the session.
type taskKind uint8

const (
	requestTask taskKind = iota
	contentTask
	contentEndTask
	closeTask
)

// A work is one of the two kinds of goroutines that serve tasks: content costs
// processor time and is shared out among as many goroutines as processors;
// requests mostly wait for storage, and overtake.
type work uint8

const (
	requestWork work = iota
	contentWork
)

func (k taskKind) work() work {
	if k == contentTask {
		return contentWork
	}
	return requestWork
}

// A task is a unit of one connection's work. Tasks are reused.
type task struct {
	next    *task
	kind    taskKind
	last    bool   // the connection ends with its answer
	filling bool   // the loop still fills the chunk
	bulk    bulk   // a worker fills it
	upload  uint32 // that it belongs to
	chunk   *chunk
	request Request
	payload [codec.MaxPayload]byte // the request's
}

// taskBytes is what a task takes beside its content.
const taskBytes = codec.MaxPayload + 256

func (r *Reactor) newTask(k taskKind) *task {
	r.memory.charge(taskBytes)
	t := r.tasks.Get().(*task)
	t.kind = k
	return t
}

func (r *Reactor) recycle(t *task) {
	t.next, t.chunk, t.last, t.filling, t.bulk, t.request = nil, nil, false, false, bulk{}, Request{}
	r.tasks.Put(t)
}

// release gives back the memory of a task.
func (r *Reactor) release(t *task) { r.wake(r.memory.release(t.chunk, taskBytes)) }

// setRequest keeps a copy of the request: its payload is the decoder's.
func (t *task) setRequest(q Request) {
	n := copy(t.payload[:], q.Frame.Payload)
	q.Frame.Payload = t.payload[:n]
	t.request = q
}

// memory returns what the task takes of the connection's share.
func (t *task) memory() int64 {
	if t.chunk != nil {
		return int64(len(t.chunk.buf)) + taskBytes
	}
	return taskBytes
}

// push queues a task behind the others and has the connection served.
func (c *conn) push(t *task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tail == nil {
		c.head = t
	} else {
		c.tail.next = t
	}
	c.tail = t
	c.waiting += t.memory()
	c.beServed()
}

// filled marks a chunk as ready to be served.
func (c *conn) filled(t *task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.filling = false
	c.beServed()
}

// reopenTail returns the last task in the queue to be filled further, if it is
// content of the same upload with room left.
func (c *conn) reopenTail() *task {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tail
	if t == nil || t.kind != contentTask || t.upload != c.upload || len(t.chunk.free()) <= blockBytes {
		return nil
	}
	t.filling = true
	return t
}

// beServed puts the connection into the pool that its first task needs, unless
// it is served already or the loop still fills that task. The lock is held.
func (c *conn) beServed() {
	if c.serving || c.head == nil || c.head.filling {
		return
	}
	c.serving = true
	if c.head.kind.work() == contentWork {
		c.r.content.submit(c)
	} else {
		c.r.request.submit(c)
	}
}

// take removes the first task of the queue if it is for this kind of work.
// Otherwise it returns nil, and the connection is somebody else's.
func (c *conn) take(w work) *task {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.head
	if t == nil || t.filling || t.kind.work() != w {
		c.serving = false
		c.beServed()
		return nil
	}
	c.head = t.next
	if c.head == nil {
		c.tail = nil
	}
	return t
}

// yield puts the connection at the end of the pool's queue.
func (c *conn) yield() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serving = false
	c.beServed()
}

// done gives back what the task took and reports whether the connection may be
// read again.
func (c *conn) done(t *task) (resume bool) {
	freed := t.memory()
	c.r.release(t)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting -= freed
	if c.full && c.waiting <= c.r.LowMark {
		c.full = false
		c.unblock()
		return true
	}
	return false
}
