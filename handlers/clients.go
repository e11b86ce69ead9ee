package handlers

import (
	"container/list"
	"sync"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/crypt"
	"github.com/sealquay/sealquay/persistence"
)

// What is remembered without a connection is bounded. Each file that waits for
// its verdict holds a descriptor.
const (
	maxIdleClients = 1 << 16
	maxIdleFiles   = 1 << 10
	maxFiles       = 64   // of one client
	maxNames       = 1024 // of one client
)

// A grant is an AES key that was made for a client, and how often it was used
// without an accepted CRC. It is guarded by its client's lock.
type grant struct {
	key   crypt.Key
	tries int
	gone  bool // thrown away
}

func (g *grant) throwAway() {
	g.key.Wipe()
	g.gone = true
}

// A file is content that was received whole and waits for the client's verdict.
type file struct {
	number  uint64   // in the order in which the client's files were received
	owner   *Session // that received it; nil after its end
	grant   *grant
	upload  *persistence.Upload
	name    string
	size    int64
	sums    crypt.Sums
	kind    crypt.Kind // of the CRC that the client was told
	genuine bool       // it decrypted; otherwise it can never be verified
}

// A history is what happened to the files of one name.
type history struct {
	files    []*file    // that wait for a verdict, the latest last
	rejected *rejection // the last verdict was 1105
	owed     int        // verdicts on files that a newer one superseded; they come late
}

// A client is what outlives a connection.
type client struct {
	id        codec.ClientID
	sessions  int           // that hold it; guarded by the lock of clients
	idle      *list.Element // in the list of idle clients when sessions is 0
	idleFiles int           // when it became idle
	expires   time.Time

	mu       sync.Mutex
	received uint64    // numbers the files
	taken    time.Time // until when its bandwidth is used up
	checksum string    // the kind that is remembered, or ""
	latest   *grant
	names    map[string]*history
}

// clients holds every client that has a connection, or had one not long ago.
type clients struct {
	lifetime time.Duration

	mu    sync.Mutex
	byID  map[codec.ClientID]*client
	idle  *list.List // of *client, the first expires first
	files int        // of idle clients
}

func newClients(lifetime time.Duration) *clients {
	return &clients{lifetime: lifetime, byID: make(map[codec.ClientID]*client), idle: list.New()}
}

// enter returns the client for a session that holds it from now on.
func (s *clients) enter(id codec.ClientID, checksum string) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byID[id]
	if c == nil {
		c = &client{id: id, checksum: checksum, names: make(map[string]*history)}
		s.byID[id] = c
	}
	s.hold(c)
	return c
}

// setKey replaces a connection's key. The old one is wiped unless it is the
// client's latest, which other connections may use; the new one becomes that
// if it is shared.
func (c *client) setKey(before, now *grant, shared bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now != nil && shared {
		c.latest = now
	}
	if before != nil && before != c.latest {
		before.throwAway()
	}
}

// find returns the client, held, if it has a key that any connection may use.
func (s *clients) find(id codec.ClientID) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byID[id]
	if c == nil || s.lifetime == 0 {
		return nil
	}
	s.hold(c)
	return c
}

func (s *clients) hold(c *client) {
	c.sessions++
	s.activate(c)
}

// activate takes c from the idle clients if it is one of them.
func (s *clients) activate(c *client) {
	if c.idle != nil {
		s.idle.Remove(c.idle)
		s.files -= c.idleFiles
		c.idle = nil
	}
}

// retire makes c an idle client, and returns the files of those that have to
// make room.
func (s *clients) retire(c *client) (discarded []*file) {
	c.expires = time.Now().Add(s.lifetime)
	c.idle = s.idle.PushBack(c)
	c.idleFiles = c.countFiles()
	s.files += c.idleFiles
	for s.idle.Len() > maxIdleClients || s.files > maxIdleFiles {
		discarded = append(discarded, s.forget(s.idle.Front().Value.(*client))...)
	}
	return discarded
}

func (c *client) countFiles() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.names {
		n += len(h.files)
	}
	return n
}

// release lets go of c and returns the files that are to be discarded now.
func (s *clients) release(c *client, owner *Session) []*file {
	s.mu.Lock()
	defer s.mu.Unlock()
	discarded := c.disown(owner, s.lifetime > 0)
	c.sessions--
	if c.sessions > 0 {
		return discarded
	}
	if s.lifetime == 0 {
		return append(discarded, s.forget(c)...)
	}
	return append(discarded, s.retire(c)...)
}

// disown makes the files of a session that ended anybody's, or gives them up.
// What was superseded while the session lasted goes as in add.
func (c *client) disown(owner *Session, keep bool) (discarded []*file) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.names {
		kept := h.files[:0]
		latest := len(h.files) - 1
		for i, f := range h.files {
			switch {
			case f.owner != owner:
				kept = append(kept, f)
			case keep && i == latest:
				f.owner = nil
				kept = append(kept, f)
			default:
				discarded = append(discarded, f)
				h.owed++
			}
		}
		h.files = kept
	}
	return discarded
}

// forget removes the client, wipes its key and returns its files. The lock is
// held.
func (s *clients) forget(c *client) (discarded []*file) {
	delete(s.byID, c.id)
	s.activate(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.latest != nil {
		c.latest.throwAway()
	}
	for _, h := range c.names {
		discarded = append(discarded, h.files...)
	}
	return discarded
}

// forgetExpired forgets the clients whose time is over.
func (s *clients) forgetExpired(now time.Time) (discarded []*file) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.idle.Front(); e != nil && now.After(e.Value.(*client).expires); e = s.idle.Front() {
		discarded = append(discarded, s.forget(e.Value.(*client))...)
	}
	return discarded
}

func (s *clients) forgetAll() (discarded []*file) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.byID {
		discarded = append(discarded, s.forget(c)...)
	}
	return discarded
}
