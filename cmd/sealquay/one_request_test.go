package main

import (
	"fmt"
	"hash/crc32"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sealquay/sealquay/internal/config"
)

// A caller is a client with a connection for each request, as row 7 of
// docs/PROTOCOL.md section 3 describes it.
type caller struct {
	t       testing.TB
	s       *testServer
	closing int // connections that were closed
}

// ask sends a request over a new connection and leaves that open.
func (c *caller) ask(packed []byte, code uint16) (*peer, response) {
	c.t.Helper()
	p := dial(c.t, c.s)
	p.send(packed)
	return p, p.expect(code)
}

// call sends a request over a connection of its own.
func (c *caller) call(packed []byte, code uint16) response {
	c.t.Helper()
	p, r := c.ask(packed, code)
	c.hangUp(p)
	return r
}

// hangUp closes a connection and waits until the server has seen it.
func (c *caller) hangUp(p *peer) {
	c.t.Helper()
	p.close()
	c.closing++
	c.s.awaitLines(c.t, "conn.close", c.closing)
}

func (c *caller) register(name string) *identity {
	c.t.Helper()
	return &identity{name, c.call(registration(name), 2100).id(), someKey()}
}

// TestLateRejection sends a damaged file and then the right one before the
// first's 1105: that must not harm the second.
func TestLateRejection(t *testing.T) {
	damaged, right := content("damaged", 500), content("right", 500)
	for name, overlap := range map[string]bool{
		"one connection after the other": false,
		"the first is closed late":       true,
	} {
		t.Run(name, func(t *testing.T) {
			s := startTestServer(t)
			c := &caller{t: t, s: s}
			who := c.register("me")
			key := who.open(t, c.call(publicKey(who), 2102))
			first, _ := c.ask(encryptedFile(who.id, "file", seal(key, damaged)), 2103)
			if !overlap {
				c.hangUp(first)
			}
			c.call(encryptedFile(who.id, "file", seal(key, right)), 2103)
			if overlap {
				c.hangUp(first)
			}
			c.call(verdict(1105, who.id, "file"), 2104)
			c.call(verdict(1104, who.id, "file"), 2104)
			s.checkStored(t, "me", "file", right)
			s.checkClean(t)
		})
	}
}

// TestKeyOfAnotherConnection takes a 1103 from any connection, as long as keys
// outlive theirs.
func TestKeyOfAnotherConnection(t *testing.T) {
	for name, lives := range map[string]bool{"kept": true, "not kept": false} {
		t.Run(name, func(t *testing.T) {
			s := startTestServer(t, func(c *config.Config) {
				if !lives {
					c.KeyLifetime = 0
				}
			})
			c := &caller{t: t, s: s}
			who := c.register("me")
			p, r := c.ask(publicKey(who), 2102)
			file := encryptedFile(who.id, "file", seal(who.open(t, r), nil))
			if lives {
				c.hangUp(p)
				c.call(file, 2103)
				return
			}
			c.call(file, 2101) // not even while that connection lasts
			if got := s.log.reasons(t); len(got) != 1 || got[0] != "no_key" {
				t.Errorf("the log has the reasons %q, want no_key", got)
			}
		})
	}
}

// TestOwnKeyFirst has two connections of one client, each with a key and an
// upload of its own. A verdict is about its own connection's, not the latest.
func TestOwnKeyFirst(t *testing.T) {
	plainOne, plainTwo := content("one", 100), content("two", 100)
	for _, c := range []struct {
		one, two uint16
		stored   []byte
	}{
		{1104, 1105, plainOne},
		{1105, 1104, plainTwo},
	} {
		t.Run(fmt.Sprint(c.one), func(t *testing.T) {
			s := startTestServer(t)
			one, two := dial(t, s), dial(t, s)
			who := one.register("me")
			keyOne := one.exchange(who)
			keyTwo := two.exchange(who)
			if one.upload(who, keyOne, "file", plainOne) != crc32.ChecksumIEEE(plainOne) {
				t.Error("the first connection's key is not its own")
			}
			if two.upload(who, keyTwo, "file", plainTwo) != crc32.ChecksumIEEE(plainTwo) {
				t.Error("the second connection's key is not its own")
			}
			one.send(verdict(c.one, who.id, "file"))
			one.expect(2104)
			two.send(verdict(c.two, who.id, "file"))
			two.expect(2104)
			s.checkStored(t, "me", "file", c.stored)
			s.checkClean(t)
		})
	}
}

// TestResetAfterTheLastAnswer closes with the last 2104 unread, which makes an
// RST (row 11).
func TestResetAfterTheLastAnswer(t *testing.T) {
	s := startTestServer(t)
	p := dial(t, s)
	who := p.register("me")
	p.upload(who, p.exchange(who), "file", []byte("text"))
	p.send(verdict(1104, who.id, "file"))
	p.awaitUnread()
	p.close()
	if reason := s.awaitLines(t, "conn.close", 1)[0]["reason"]; reason != "connection_reset" {
		t.Errorf("the connection ended by %v, want connection_reset", reason)
	}
	s.checkStored(t, "me", "file", []byte("text"))
	s.checkClean(t)
	s.checkLog(t)
}

// awaitUnread waits until bytes are there to be read, and leaves them.
func (p *peer) awaitUnread() {
	p.t.Helper()
	raw, err := p.conn.SyscallConn()
	if err == nil {
		err = raw.Read(func(fd uintptr) bool {
			_, _, err := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK)
			return err != syscall.EAGAIN
		})
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// TestKeyOfAnotherConnectionIsSeen gives a client a key from another connection
// between its 1100 and its 1101: the second key replaces the first one, and the
// log says so.
func TestKeyOfAnotherConnectionIsSeen(t *testing.T) {
	s := startTestServer(t)
	first, second := dial(t, s), dial(t, s)
	who := first.register("me")
	other := &identity{who.name, who.id, newKey()}
	second.exchange(other)
	s.awaitLines(t, "request.done", 2)
	if n := len(s.log.lines(t, "client.key_changed")); n != 0 {
		t.Fatalf("the first key has changed %d keys", n)
	}
	key := first.exchange(who)
	if n := len(s.awaitLines(t, "client.key_changed", 1)); n != 1 {
		t.Errorf("%d keys have changed, want 1", n)
	}
	first.deliver(who, key, "file", []byte("text"))
	s.checkStored(t, "me", "file", []byte("text"))
}
