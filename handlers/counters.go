package handlers

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/internal/measure"
)

// operations are the names of all requests.
var operations = []codec.Code{
	codec.CodeRegistration, codec.CodePublicKey, codec.CodeEncryptedFile,
	codec.CodeValidCRC, codec.CodeInvalidCRC, codec.CodeGiveUp,
	0, // any other
}

// statuses are the codes of all answers; 0 is none.
var statuses = []uint16{
	0, uint16(codec.CodeRegistrationApproved), uint16(codec.CodeRegistrationError), uint16(codec.CodeKeyExchange),
	uint16(codec.CodeFileReceived), uint16(codec.CodeAcknowledged),
}

// counters count what the sessions did.
type counters struct {
	requests map[string]*requestCounters // by operation; is not changed
	refusals *measure.Counts[logging.Reason]
	clients  measure.Top[codec.ClientID] // by bytes of content

	content  atomic.Int64 // bytes, decrypted
	received atomic.Int64
	verified atomic.Int64
	stored   atomic.Int64 // bytes of verified files
	rejected atomic.Int64
	discards atomic.Int64
}

// requestCounters count the requests of one operation.
type requestCounters struct {
	statuses *measure.Counts[uint16]
	duration measure.Times
	wait     measure.Times
}

func newCounters() *counters {
	c := &counters{
		requests: make(map[string]*requestCounters, len(operations)),
		refusals: measure.NewCounts(logging.AllReasons()...),
	}
	for _, o := range operations {
		c.requests[operation(o)] = &requestCounters{statuses: measure.NewCounts(statuses...)}
	}
	return c
}

// request counts a request that is done.
func (c *counters) request(q *record, status uint16, duration time.Duration) {
	n := c.requests[operation(q.frame.Header.Code)]
	n.statuses.Add(status)
	n.duration.Observe(duration)
	n.wait.Observe(q.started.Sub(q.arrived))
	if q.reason != "" {
		c.refusals.Add(q.reason)
	}
}

// A Snapshot says what the sessions do, and what they did since the start. Sizes
// are bytes. Its parts are read one after the other, so they agree only nearly.
type Snapshot struct {
	Operations []Operation
	Refusals   map[logging.Reason]int64 // requests, by what stood against them

	Content     int64 // decrypted and handed to the storage
	Received    int64 // files that arrived whole
	Verified    int64 // files that were acknowledged
	StoredBytes int64 // of verified files
	Rejected    int64 // files whose CRC the client did not accept
	Discarded   int64 // files removed before they were verified, rejected ones among them

	Waiting int64 // files that wait for a verdict
	Clients int64 // that are remembered, each with its AES key
}

// An Operation is a kind of request.
type Operation struct {
	Name      string           // as op in the log
	Statuses  map[uint16]int64 // requests by answer; 0 is none
	Duration  measure.TimesSnapshot
	QueueWait measure.TimesSnapshot
}

// Snapshot may be called from anywhere. It costs a short lock.
func (s *Service) Snapshot() Snapshot {
	n := s.counters
	all := Snapshot{
		Refusals:    n.refusals.Load(),
		Content:     n.content.Load(),
		Received:    n.received.Load(),
		Verified:    n.verified.Load(),
		StoredBytes: n.stored.Load(),
		Rejected:    n.rejected.Load(),
		Discarded:   n.discards.Load(),
		Waiting:     s.waiting.Load(),
		Clients:     s.clients.count(),
	}
	for _, o := range operations {
		q := n.requests[operation(o)]
		all.Operations = append(all.Operations, Operation{
			Name: operation(o), Statuses: q.statuses.Load(), Duration: q.duration.Load(), QueueWait: q.wait.Load(),
		})
	}
	return all
}

func (s *clients) count() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.byID))
}

// TopClients returns up to n clients that sent the most content lately, with
// their bytes for each second.
func (s *Service) TopClients(n int) []measure.Ranked[codec.ClientID] {
	return s.counters.clients.Rank(n, time.Now())
}

// An UploadSnapshot is an upload under way. Its file name is the client's, and
// may be anything.
type UploadSnapshot struct {
	Client   codec.ClientID
	FileName string
	Size     int64 // announced, in bytes, encrypted
	Received int64
	Began    time.Time
}

// Uploads returns up to n uploads under way, those that began first.
func (s *Service) Uploads(n int) []UploadSnapshot { return s.uploads.first(n) }

// uploads is a list of the uploads under way, in the order in which they began.
type uploads struct {
	mu         sync.Mutex
	head, tail *upload
}

func (l *uploads) add(u *upload) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u.before = l.tail
	if l.tail != nil {
		l.tail.after = u
	} else {
		l.head = u
	}
	l.tail = u
}

func (l *uploads) remove(u *upload) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if u.before != nil {
		u.before.after = u.after
	} else {
		l.head = u.after
	}
	if u.after != nil {
		u.after.before = u.before
	} else {
		l.tail = u.before
	}
	u.before, u.after = nil, nil
}

func (l *uploads) first(n int) (all []UploadSnapshot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for u := l.head; u != nil && len(all) < n; u = u.after {
		all = append(all, UploadSnapshot{
			Client: u.message.ClientID, FileName: u.name, Size: u.announced, Received: u.taken.Load(), Began: u.began,
		})
	}
	return all
}
