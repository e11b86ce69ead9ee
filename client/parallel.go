package client

import (
	"context"
	"errors"
	"sync"

	"github.com/sealquay/sealquay/codec"
)

// MaxParallel bounds Transfer.Parallel. A server keeps 64 files of a client that
// wait for their verdict, and each stream has one at most.
const MaxParallel = 32

// A queue is the files of a transfer, which its streams take in order.
type queue struct {
	mu      sync.Mutex
	results []Result
	next    int
	ended   bool // nothing more is taken
}

func newQueue(paths []string) *queue {
	q := &queue{results: make([]Result, len(paths))}
	for i, path := range paths {
		q.results[i] = Result{Path: path, Err: &Error{Problem: ErrNotSent}}
	}
	return q
}

// take returns the next file, or nil when there is none for anybody.
func (q *queue) take() *Result {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended || q.next == len(q.results) {
		return nil
	}
	q.next++
	return &q.results[q.next-1]
}

// end lets the streams finish the files that they have begun.
func (q *queue) end() {
	q.mu.Lock()
	q.ended = true
	q.mu.Unlock()
}

// outcome returns the results and joins the errors of the files that were begun.
func (q *queue) outcome() ([]Result, error) {
	var problems []error
	for _, r := range q.results {
		if r.Err != nil && !errors.Is(r.Err, ErrNotSent) {
			problems = append(problems, r.Err)
		}
	}
	return q.results, errors.Join(problems...)
}

// sendAll sends the files over one connection, and as soon as that one has
// registered and knows the server, over others beside it.
func (c *conversation) sendAll(ctx context.Context) ([]Result, error) {
	q := newQueue(c.Files)
	var beside sync.WaitGroup
	joining, enough := context.WithCancel(ctx) // a server may let one in at a time
	defer enough()
	c.joined = sync.OnceFunc(func() {
		for range c.besides() {
			follower := c.follow()
			beside.Go(func() { follower.sendBeside(ctx, joining, q) })
		}
	})
	c.sendRest(ctx, q)
	enough()
	beside.Wait()
	return q.outcome()
}

// besides is how many further connections are of use. The seed's server keeps
// one key for each client, so there the files go one after the other.
func (c *conversation) besides() int {
	if c.session.Dialect() == codec.Seed {
		return 0
	}
	return max(min(c.Parallel, len(c.Files))-1, 0)
}

// sendRest sends files until none is left. A file that fails by itself leaves
// the others their turn, any other failure ends the transfer.
func (c *conversation) sendRest(ctx context.Context, q *queue) {
	for r := q.take(); r != nil; r = q.take() {
		if r.Receipt, r.Err = c.sendFile(ctx, r.Path); r.Err != nil && !concernsOneFile(r.Err) {
			q.end()
		}
		c.Finished(*r)
	}
}

// follow returns a conversation beside c that has the identity of c, and leaves
// it and me.info alone.
func (c *conversation) follow() *conversation {
	f := &conversation{Transfer: c.Transfer, mePath: c.mePath, me: c.me, joined: func() {}}
	f.Options.Dialect = c.session.Dialect()
	return f
}

// sendBeside sends files over a connection of its own. Where the server does not
// let it in while joining lasts, the first connection sends them all.
func (c *conversation) sendBeside(ctx, joining context.Context, q *queue) {
	defer c.close()
	var err error
	if c.session, err = Dial(joining, c.Options); err != nil {
		return
	}
	c.session.Resume(c.me.ID)
	if err := c.session.ExchangeKey(joining, c.me.Name, c.me.Key); err != nil {
		return
	}
	c.sendRest(ctx, q)
}
