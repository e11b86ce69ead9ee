package main

import (
	"bytes"
	"context"
	"crypto/cipher"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/sealquay/sealquay/internal/config"
)

// TestManyClients has fifty clients at once send files of all sizes. With
// SEALQUAY_LONG=1 the largest has 64 MiB, otherwise 4 MiB.
func TestManyClients(t *testing.T) {
	largest := 4 << 20
	if long {
		largest = 64 << 20
	}
	s := startTestServer(t)
	plain := map[int][]byte{} // the clients add their numbers to it
	for _, size := range append(sizes, largest) {
		plain[size] = content("many", size)
	}
	everyone(t, 50, func(t testing.TB, i int) {
		p, client := dial(t, s), fmt.Sprintf("client %d", i)
		who := p.register(client)
		key := p.exchange(who)
		for size, shared := range plain {
			own := ownContent(shared, i)
			p.deliverLarge(who, key, fmt.Sprint(size), own)
			s.checkStored(t, client, fmt.Sprint(size), own)
		}
	})
	s.checkClean(t)
	s.checkLog(t)
}

// ownContent makes a client's content differ from the others'.
func ownContent(shared []byte, i int) []byte {
	own := slices.Clone(shared)
	if len(own) > 0 {
		own[0] ^= byte(i)
	}
	return own
}

// deliverLarge does what deliver does and holds the content only once.
func (p *peer) deliverLarge(who *identity, key cipher.Block, name string, plain []byte) {
	p.t.Helper()
	size := len(plain)/16*16 + 16
	p.send(request(who.id, 1103, 275+size, who.id[:], number(size), text(name)))
	chain := cipher.NewCBCEncrypter(key, make([]byte, 16))
	rest := plain
	for piece := make([]byte, 64<<10); len(rest) >= 16; {
		n := copy(piece, rest[:len(rest)/16*16])
		chain.CryptBlocks(piece[:n], piece[:n])
		p.send(piece[:n])
		rest = rest[n:]
	}
	last := append(slices.Clone(rest), bytes.Repeat([]byte{byte(16 - len(rest))}, 16-len(rest))...)
	chain.CryptBlocks(last, last)
	p.send(last)
	if got, want := p.told(who.id, size, name), crc32.ChecksumIEEE(plain); got != want {
		p.t.Fatalf("CRC %08x, want %08x", got, want)
	}
	p.send(verdict(1104, who.id, name))
	p.expect(2104)
}

// TestKilledClient ends clients in the middle of their content: nothing of it
// stays, and the verified file of that name is whole.
func TestKilledClient(t *testing.T) {
	ends := map[string]func(*peer){"reset": (*peer).reset, "close": (*peer).close}
	for name, end := range ends {
		for _, earlier := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, earlier file: %v", name, earlier), func(t *testing.T) {
				s := startTestServer(t)
				p := dial(t, s)
				who := p.register("me")
				key := p.exchange(who)
				if earlier {
					p.deliver(who, key, "file", []byte("earlier"))
				}
				packed := encryptedFile(who.id, "file", seal(key, content("later", 3<<20)))
				p.send(packed[:2<<20])
				end(p)
				s.awaitLines(t, "conn.close", 1)
				s.checkClean(t)
				if line := s.awaitLines(t, "file.discarded", 1)[0]; line["file_name"] != "file" {
					t.Errorf("another file was discarded: %v", line)
				}
				if earlier {
					s.checkStored(t, "me", "file", []byte("earlier"))
				} else {
					s.checkNotStored(t, "me", "file")
				}
				s.checkLog(t)
			})
		}
	}
}

// TestUnacceptedFile ends a client after 2103: its file is never visible, and
// goes when its time is over.
func TestUnacceptedFile(t *testing.T) {
	s := startTestServer(t, func(c *config.Config) { c.KeyLifetime = 0 })
	p := dial(t, s)
	who := p.register("me")
	p.upload(who, p.exchange(who), "file", content("file", 1<<20))
	p.reset()
	s.checkClean(t)
	s.checkNotStored(t, "me", "file")
}

// TestRejectedFile rejects an upload of a name that has a verified file.
func TestRejectedFile(t *testing.T) {
	for _, code := range []uint16{1105, 1106} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			s := startTestServer(t)
			p := dial(t, s)
			who := p.register("me")
			key := p.exchange(who)
			p.deliver(who, key, "file", []byte("earlier"))
			p.upload(who, key, "file", []byte("later"))
			p.send(verdict(code, who.id, "file"))
			p.expect(2104)
			s.checkStored(t, "me", "file", []byte("earlier"))
			s.checkClean(t)
		})
	}
}

// TestHalfClosed ends the client's sending at once: all of it is still answered.
func TestHalfClosed(t *testing.T) {
	s := startTestServer(t)
	first := dial(t, s)
	who := first.register("me")
	key := first.exchange(who)
	first.close()

	p, sealed := dial(t, s), seal(key, content("file", 1<<20))
	p.send(registration("another"), encryptedFile(who.id, "file", sealed), verdict(1104, who.id, "file"))
	if err := p.conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	p.expect(2100)
	p.told(who.id, len(sealed), "file")
	p.expect(2104)
	p.expectEnd()
	s.checkStored(t, "me", "file", content("file", 1<<20))
	s.checkClean(t)
}

// TestOneByteAtATime sends a whole session in single bytes.
func TestOneByteAtATime(t *testing.T) {
	s := startTestServer(t)
	p := dial(t, s)
	slowly := func(packed []byte) {
		for i := range packed {
			p.send(packed[i : i+1])
		}
	}
	slowly(registration("me"))
	who := &identity{"me", p.expect(2100).id(), someKey()}
	slowly(publicKey(who))
	plain := content("file", 1000)
	sealed := seal(who.open(t, p.expect(2102)), plain)
	slowly(encryptedFile(who.id, "file", sealed))
	p.told(who.id, len(sealed), "file")
	slowly(verdict(1104, who.id, "file"))
	p.expect(2104)
	s.checkStored(t, "me", "file", plain)
}

// TestManyRequestsInOneWrite sends twenty files and all their verdicts without
// waiting for an answer.
func TestManyRequestsInOneWrite(t *testing.T) {
	s := startTestServer(t)
	p := dial(t, s)
	who := p.register("me")
	key := p.exchange(who)
	var all [][]byte
	for i := range 20 {
		name := fmt.Sprint("file ", i)
		all = append(all, encryptedFile(who.id, name, seal(key, content(name, i*1000))), verdict(1104, who.id, name))
	}
	p.send(all...)
	for i := range 20 {
		p.told(who.id, i*1000/16*16+16, fmt.Sprint("file ", i))
		p.expect(2104)
	}
	for i := range 20 {
		name := fmt.Sprint("file ", i)
		s.checkStored(t, "me", name, content(name, i*1000))
	}
	s.checkClean(t)
}

// TestDrain stops the server while clients upload: they finish, also what they
// have to send again, and nothing half is left.
func TestDrain(t *testing.T) {
	s := startTestServer(t)
	const clients = 8
	var started sync.WaitGroup
	started.Add(clients)
	draining, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		started.Wait()
		close(draining)
		stopped <- s.Stop(context.Background())
	}()
	plain := content("drain", 1<<20)
	everyone(t, clients, func(t testing.TB, i int) {
		begun := sync.OnceFunc(started.Done)
		defer begun() // also when it fails before
		p := dial(t, s)
		who := p.register(fmt.Sprint("client ", i))
		key := p.exchange(who)
		packed := encryptedFile(who.id, "file", seal(key, plain))
		half := len(packed) / 2
		p.send(packed[:half])
		begun()
		<-draining
		p.send(packed[half:])
		p.told(who.id, len(packed)-298, "file")
		p.send(verdict(1105, who.id, "file"))
		p.expect(2104)
		p.send(packed)
		p.told(who.id, len(packed)-298, "file")
		p.send(verdict(1104, who.id, "file"))
		p.expect(2104)
		p.expectEnd()
	})
	if err := <-stopped; err != nil {
		t.Errorf("stop the server: %v", err)
	}
	s.server = nil
	for i := range clients {
		s.checkStored(t, fmt.Sprint("client ", i), "file", plain)
	}
	s.checkClean(t)
	s.checkLog(t)
}

// TestDrainWaitsForVerdicts stops the server between a 2103 and its verdict. The
// drain has looked at all connections once the idle ones have ended.
func TestDrainWaitsForVerdicts(t *testing.T) {
	s := startTestServer(t)
	p := dial(t, s)
	who := p.register("me")
	key := p.exchange(who)
	p.upload(who, key, "file", []byte("text"))
	idle := make([]*peer, 8)
	for i := range idle {
		idle[i] = dial(t, s)
		idle[i].register(fmt.Sprint("idle ", i))
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(context.Background()) }()
	for _, i := range idle {
		i.expectEnd()
	}
	p.send(verdict(1105, who.id, "file"))
	p.expect(2104)
	p.deliver(who, key, "file", []byte("other"))
	p.expectEnd()
	if err := <-stopped; err != nil {
		t.Errorf("stop the server: %v", err)
	}
	s.server = nil
	s.checkStored(t, "me", "file", []byte("other"))
	s.checkClean(t)
}

// TestDrainRunsOut stops a server that a client keeps waiting: what it did not
// finish is not there.
func TestDrainRunsOut(t *testing.T) {
	s := startTestServer(t)
	p := dial(t, s)
	who := p.register("me")
	key := p.exchange(who)
	p.deliver(who, key, "file", []byte("earlier"))
	packed := encryptedFile(who.id, "file", seal(key, content("later", 1<<20)))
	p.send(packed[:len(packed)-1])
	now, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Stop(now); err == nil {
		t.Error("the server says that all uploads were finished")
	}
	s.server = nil
	if _, err := io.Copy(io.Discard, p); err != nil {
		t.Logf("the connection ended by %v", err) // a reset is as good as an end
	}
	if reason := s.log.lines(t, "conn.close")[0]["reason"]; reason != "drain_timeout" {
		t.Errorf("the connection ended by %v, want drain_timeout", reason)
	}
	s.checkStored(t, "me", "file", []byte("earlier"))
	s.checkClean(t)
}

// TestRestart serves the second run of a client after a restart.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	s := startTestServerIn(t, dir)
	who := deliverNew(t, s, "me", "file", []byte("first"))
	s.stop(t)

	s = startTestServerIn(t, dir)
	s.checkStored(t, "me", "file", []byte("first"))
	p := dial(t, s)
	p.send(registration("me"))
	p.expect(2101)
	p.deliver(who, p.exchange(who), "file", []byte("second"))
	s.checkStored(t, "me", "file", []byte("second"))
	s.checkClean(t)
}
