package handlers

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/crypt"
	"github.com/sealquay/sealquay/internal/logging"
)

const lifetime = time.Minute

// enter returns a client with one session that holds it.
func enter(s *clients, id byte) (*client, *Session) {
	return s.enter(codec.ClientID{id}, ""), new(Session)
}

func received(c *client, owner *Session, name string) *file {
	f := &file{owner: owner, grant: new(grant), name: name, genuine: true}
	c.add(f, ChecksumAuto)
	return f
}

// A late 1105 is meant for the upload that was superseded, and must not remove
// the newer one (PROTOCOL.md section 3, row 7).
func TestLateRejectionSparesTheNewerFile(t *testing.T) {
	s := newClients(lifetime)
	c, first := enter(s, 1)
	received(c, first, "a")
	s.find(c.id) // the second connection holds the client, too
	s.release(c, first)
	newer := received(c, new(Session), "a")
	if f, known := c.reject(new(Session), "a", false); f != nil || !known {
		t.Fatalf("the late 1105 took %v, known %v; want nothing, true", f, known)
	}
	if f := c.accept(new(Session), "a"); f != newer {
		t.Errorf("1104 took %v, want the newer file", f)
	}
}

// A 1105 in time removes what it means, and a 1106 may follow it at once.
func TestRejectionInTime(t *testing.T) {
	s := newClients(lifetime)
	c, owner := enter(s, 1)
	f := received(c, owner, "a")
	if got, known := c.reject(owner, "a", false); got != f || !known {
		t.Fatalf("1105 took %v, known %v; want the file", got, known)
	}
	if got := c.accept(owner, "a"); got != nil {
		t.Errorf("1104 after 1105 took %v, want nothing", got)
	}
	if got, known := c.reject(owner, "a", true); got != nil || !known {
		t.Errorf("1106 after 1105: %v, known %v; want nothing, true", got, known)
	}
	if _, known := c.reject(owner, "a", true); known {
		t.Error("a second 1106 is known; want it refused")
	}
}

func TestOwnFileComesFirst(t *testing.T) {
	s := newClients(lifetime)
	c, first := enter(s, 1)
	s.find(c.id)
	second := new(Session)
	one := received(c, first, "a")
	two := received(c, second, "a")
	if f := c.accept(first, "a"); f != one {
		t.Errorf("the first connection's 1104 took %v, want its own file", f)
	}
	if f := c.accept(new(Session), "a"); f != two {
		t.Errorf("a third connection's 1104 took %v, want the latest", f)
	}
}

func TestKeyIsThrownAwayAfterFourTries(t *testing.T) {
	c := &client{names: map[string]*history{}}
	g := &grant{key: crypt.Key{1}}
	for range maxTries {
		if _, key, why := c.use(g); why != "" || key != g.key {
			t.Fatalf("a try was refused: %s", why)
		}
	}
	if _, _, why := c.use(g); why != logging.TriesExhausted {
		t.Errorf("the fifth try: %q, want %q", why, logging.TriesExhausted)
	}
	if g.key != (crypt.Key{}) {
		t.Error("the key was not wiped")
	}
}

func TestAcceptedFileStartsTheTriesAgain(t *testing.T) {
	c := &client{names: map[string]*history{}}
	g, owner := new(grant), new(Session)
	for range 3 * maxTries {
		if _, _, why := c.use(g); why != "" {
			t.Fatalf("a try was refused: %s", why)
		}
		f := &file{owner: owner, grant: g, name: "a"}
		c.add(f, ChecksumAuto)
		c.verified(c.accept(owner, "a"), ChecksumAuto)
	}
}

// A client that never says what it thinks of its files must not fill the
// server with them.
func TestWaitingFilesAreBounded(t *testing.T) {
	s := newClients(lifetime)
	c, owner := enter(s, 1)
	var discarded int
	for i := range 2 * maxFiles {
		f := &file{owner: owner, grant: new(grant), name: fmt.Sprint(i)}
		discarded += len(c.add(f, ChecksumAuto))
	}
	if discarded != maxFiles || c.countFiles() != maxFiles {
		t.Errorf("%d files wait and %d were discarded, want %d of each", c.countFiles(), discarded, maxFiles)
	}
	if f := c.accept(owner, fmt.Sprint(2*maxFiles-1)); f == nil {
		t.Error("the latest file is gone, want the oldest ones gone")
	}
}

func TestIdleFilesAreBounded(t *testing.T) {
	s := newClients(lifetime)
	var discarded int
	for i := range maxIdleFiles + 10 {
		c := s.enter(codec.ClientID{byte(i), byte(i >> 8)}, "")
		owner := new(Session)
		received(c, owner, "a")
		discarded += len(s.release(c, owner))
	}
	if discarded != 10 || s.files != maxIdleFiles {
		t.Errorf("%d files are idle and %d were discarded, want %d and 10", s.files, discarded, maxIdleFiles)
	}
}

func TestNamesAreBounded(t *testing.T) {
	s := newClients(lifetime)
	c, owner := enter(s, 1)
	for i := range 3 * maxNames {
		name := fmt.Sprint(i)
		received(c, owner, name)
		c.reject(owner, name, false)
	}
	if len(c.names) > maxNames {
		t.Errorf("%d names are remembered, want at most %d", len(c.names), maxNames)
	}
}

func TestKeyAndFilesOutliveTheConnectionForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newClients(lifetime)
		c, owner := enter(s, 1)
		g := &grant{key: crypt.Key{1}}
		c.setKey(nil, g, true)
		f := received(c, owner, "a")
		if gone := s.release(c, owner); len(gone) != 0 {
			t.Fatalf("%d files were discarded at the connection's end", len(gone))
		}
		time.Sleep(lifetime - time.Second) // of the test's own clock
		if gone := s.forgetExpired(time.Now()); len(gone) != 0 || s.find(c.id) != c {
			t.Fatal("the client was forgotten before its time")
		}
		s.release(c, new(Session))
		time.Sleep(lifetime + time.Second)
		if gone := s.forgetExpired(time.Now()); len(gone) != 1 || gone[0] != f {
			t.Errorf("%v were discarded, want the file", gone)
		}
		if s.find(c.id) != nil || g.key != (crypt.Key{}) {
			t.Error("the key is still there")
		}
	})
}

func TestNothingOutlivesTheConnectionWithoutALifetime(t *testing.T) {
	s := newClients(0)
	c, owner := enter(s, 1)
	g := &grant{key: crypt.Key{1}}
	c.setKey(nil, g, false)
	received(c, owner, "a")
	if s.find(c.id) != nil {
		t.Error("another connection may use the key")
	}
	c.setKey(g, nil, false)
	if gone := s.release(c, owner); len(gone) != 1 {
		t.Errorf("%d files were discarded, want 1", len(gone))
	}
	if g.key != (crypt.Key{}) || len(s.byID) != 0 {
		t.Error("the key is still there")
	}
}
