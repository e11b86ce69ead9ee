package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/persistence"
)

// TestSessionsKeepToTheModel sends random requests over two connections of each
// of two clients, and holds every answer, and what is stored at the end, against
// a model that is written from docs/PROTOCOL.md.
func TestSessionsKeepToTheModel(t *testing.T) {
	s := startTestServer(t, func(c *config.Config) {
		c.Checksum = config.ChecksumCRC32 // finding out has tests of its own
		c.PenaltyMax = 0                  // most requests are refused
	})
	var runs atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		m := &sessionModel{t: t, rt: rt, server: s}
		for _, name := range []string{"anna", "berta"} {
			c := &modelClient{name: fmt.Sprintf("%s %d", name, runs.Add(1)), histories: map[string]*modelHistory{}, stored: map[string][]byte{}}
			m.clients = append(m.clients, c)
			m.conns = append(m.conns, &modelConn{client: c}, &modelConn{client: c})
		}
		defer m.closeAll()
		rt.Repeat(map[string]func(*rapid.T){
			"1100": m.register, "1101": m.exchange, "1103": m.upload, "1103 again": m.upload,
			"1104": m.accept, "1105": m.reject, "1106": m.giveUp, "reconnect": m.reconnect,
		})
		m.checkStored()
	})
}

// sessionModel is what the server should know, and the connections to it.
type sessionModel struct {
	t       *testing.T
	rt      *rapid.T
	server  *testServer
	clients []*modelClient
	conns   []*modelConn
}

// modelClient is a client as section 1 (State) and section 3, row 7, have it.
type modelClient struct {
	name      string
	who       *identity // nil before its registration
	latest    *modelKey // of its connections, those that ended included
	histories map[string]*modelHistory
	stored    map[string][]byte // verified, by name
}

// modelConn is a connection of a client; the peer is nil when it is closed.
type modelConn struct {
	client *modelClient
	peer   *peer
	own    *modelKey // made on this connection
}

// modelKey is an AES key. After four 1103 with no CRC accepted it is thrown away.
type modelKey struct {
	cipher.Block
	tries int
	gone  bool
}

const mostTries = 4

// modelHistory is what happened to one name of a client.
type modelHistory struct {
	waiting  []*modelFile // received, in order
	rejected bool         // the last verdict was 1105
	late     int          // files that a newer one took the place of, after their connection had ended
}

// modelFile was received and waits for a verdict.
type modelFile struct {
	conn  *modelConn // nil when it has ended
	key   *modelKey
	plain []byte
	valid bool // its padding is right
}

// some draws a connection, and opens it if it is closed.
func (m *sessionModel) some(rt *rapid.T) *modelConn {
	m.rt = rt
	c := rapid.SampledFrom(m.conns).Draw(rt, "connection")
	m.open(c)
	return c
}

func fileName(rt *rapid.T) string {
	return rapid.SampledFrom([]string{"a.bin", "b.bin"}).Draw(rt, "file")
}

// expect reads an answer that has one of these codes.
func (c *modelConn) expect(rt *rapid.T, codes ...uint16) response {
	r := c.peer.receive()
	if !slices.Contains(codes, r.code) {
		rt.Fatalf("response %d, want one of %v", r.code, codes)
	}
	return r
}

func (m *sessionModel) register(rt *rapid.T) {
	c := m.some(rt)
	c.peer.send(registration(c.client.name))
	if c.client.who != nil {
		c.expect(rt, 2101)
		return
	}
	id := c.expect(rt, 2100).id()
	for _, other := range m.clients {
		if bytes.IndexByte(id[:], 0) >= 0 || other.who != nil && other.who.id == id {
			rt.Fatalf("the new id is %x", id)
		}
	}
	c.client.who = &identity{name: c.client.name, id: id, key: someKey()}
}

// as is the client's identity, or one that nobody has.
func (c *modelConn) as() *identity {
	if c.client.who != nil {
		return c.client.who
	}
	return &identity{name: c.client.name, id: clientID(bytes.Repeat([]byte{7}, 16)), key: someKey()}
}

func (m *sessionModel) exchange(rt *rapid.T) {
	c := m.some(rt)
	who := *c.as()
	if rapid.IntRange(0, 9).Draw(rt, "other name") == 0 {
		who.name = "somebody else"
		c.peer.send(publicKey(&who))
		c.expect(rt, 2101)
		return
	}
	c.peer.send(publicKey(&who))
	if c.client.who == nil {
		c.expect(rt, 2101)
		return
	}
	c.own = &modelKey{Block: who.open(m.t, c.expect(rt, 2102))}
	c.client.latest = c.own
}

// key is what a 1103 on this connection is decrypted with: nil if there is none,
// or it was thrown away.
func (c *modelConn) key() *modelKey {
	k := c.own
	if k == nil {
		k = c.client.latest
	}
	if k == nil || k.gone {
		return nil
	}
	return k
}

func (c *modelClient) history(name string) *modelHistory {
	if c.histories[name] == nil {
		c.histories[name] = &modelHistory{}
	}
	return c.histories[name]
}

func (m *sessionModel) upload(rt *rapid.T) {
	c, name := m.some(rt), fileName(rt)
	plain := rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(rt, "content")
	how := rapid.SampledFrom([]string{"good", "good", "damaged", "bad padding"}).Draw(rt, "transfer")
	key, who := c.key(), c.as()
	if key == nil || key.tries == mostTries {
		if key != nil {
			key.gone = true
		}
		c.peer.send(encryptedFile(who.id, name, make([]byte, 16)))
		c.expect(rt, 2101)
		return
	}
	key.tries++
	sealed, arrived := transfer(key, plain, how)
	c.peer.send(encryptedFile(who.id, name, sealed))
	crc := c.peer.crcOf(c.expect(rt, 2103), who.id, len(sealed), name)
	right := crc == crc32.ChecksumIEEE(arrived)
	if right != (how != "bad padding") {
		rt.Fatalf("the CRC of a %s content is %08x, that of what arrived %08x", how, crc, crc32.ChecksumIEEE(arrived))
	}
	h := c.client.history(name)
	h.waiting = slices.DeleteFunc(h.waiting, func(f *modelFile) bool {
		if f.conn == nil {
			h.late++
		}
		return f.conn == nil || f.conn == c
	})
	h.waiting = append(h.waiting, &modelFile{conn: c, key: key, plain: arrived, valid: how != "bad padding"})
}

// transfer seals a content and says what of it arrives.
func transfer(key cipher.Block, plain []byte, how string) (sealed, arrived []byte) {
	switch how {
	case "damaged": // in a block before the last two, so that the padding stays
		sealed = seal(key, append(make([]byte, 32), plain...))
		sealed[3] ^= 1
		arrived = make([]byte, len(sealed))
		cipher.NewCBCDecrypter(key, make([]byte, aes.BlockSize)).CryptBlocks(arrived, sealed)
		return sealed, arrived[:32+len(plain)]
	case "bad padding":
		whole := append(slices.Clone(plain), make([]byte, 16-len(plain)%16)...) // ends in 0
		return encrypt(key, whole), plain
	}
	return seal(key, plain), plain
}

// take takes the file that a verdict on this connection means: its own latest
// first, then the client's. Nil if there is none.
func (h *modelHistory) take(c *modelConn) *modelFile {
	at := len(h.waiting) - 1
	for i, f := range h.waiting {
		if f.conn == c {
			at = i
		}
	}
	if at < 0 {
		return nil
	}
	f := h.waiting[at]
	h.waiting = slices.Delete(h.waiting, at, at+1)
	return f
}

func (h *modelHistory) has(c *modelConn) bool {
	return slices.ContainsFunc(h.waiting, func(f *modelFile) bool { return f.conn == c })
}

// settle forgets what a decided name has no more use for.
func (h *modelHistory) settle() {
	h.rejected = false
	if len(h.waiting) == 0 {
		h.late = 0
	}
}

func (m *sessionModel) accept(rt *rapid.T) {
	c, name := m.some(rt), fileName(rt)
	c.peer.send(verdict(1104, c.as().id, name))
	h := c.client.history(name)
	f := h.take(c)
	if f == nil || !f.valid {
		c.expect(rt, 2101)
		return
	}
	c.expect(rt, 2104)
	f.key.tries = 0
	c.client.stored[name] = f.plain
	if len(h.waiting) == 0 {
		h.settle()
	}
	m.server.checkStored(m.t, c.client.name, name, f.plain)
}

func (m *sessionModel) reject(rt *rapid.T) { m.decline(rt, 1105) }
func (m *sessionModel) giveUp(rt *rapid.T) { m.decline(rt, 1106) }

func (m *sessionModel) decline(rt *rapid.T, code uint16) {
	c, name := m.some(rt), fileName(rt)
	c.peer.send(verdict(code, c.as().id, name))
	h := c.client.history(name)
	if h.late > 0 && !h.has(c) { // meant for a file that is gone
		h.late--
		c.expect(rt, 2104)
		return
	}
	f := h.take(c)
	switch {
	case f != nil:
		c.expect(rt, 2104)
		h.rejected = true
		if f.key.tries == mostTries {
			f.key.gone = true
		}
	case h.rejected && code == 1106: // section 3, row 12
		c.expect(rt, 2104)
	case h.rejected:
		c.expect(rt, 2101, 2104) // a second 1105: the protocol does not say
	default:
		c.expect(rt, 2101)
	}
	if code == 1106 {
		h.rejected = false
		if len(h.waiting) == 0 {
			h.settle()
		}
	}
}

// reconnect ends a connection, of which the key and the latest files stay.
func (m *sessionModel) reconnect(rt *rapid.T) {
	c := m.some(rt)
	m.close(c)
	m.open(c)
}

func (m *sessionModel) open(c *modelConn) {
	if c.peer == nil {
		c.peer = dial(m.t, m.server)
		m.awaitConnections()
	}
}

// awaitConnections waits until the server serves just the connections that are
// open: a session ends some time after its connection.
func (m *sessionModel) awaitConnections() {
	open := int64(0)
	for _, c := range m.conns {
		if c.peer != nil {
			open++
		}
	}
	for end := time.Now().Add(patience); m.server.Connections() != open; runtime.Gosched() {
		if time.Now().After(end) {
			m.t.Fatalf("%d connections, want %d", m.server.Connections(), open)
		}
	}
}

func (m *sessionModel) close(c *modelConn) {
	if rapid.Bool().Draw(m.rt, "reset") {
		c.peer.reset()
	} else {
		c.peer.close()
	}
	c.peer = nil
	m.awaitConnections()
	if c.own != nil && c.own != c.client.latest {
		c.own.gone = true
	}
	c.own = nil
	for _, h := range c.client.histories {
		h.waiting = slices.DeleteFunc(h.waiting, func(f *modelFile) bool {
			if f.conn != c {
				return false
			}
			if f != h.waiting[len(h.waiting)-1] {
				h.late++
				return true
			}
			f.conn = nil
			return false
		})
	}
}

func (m *sessionModel) closeAll() {
	for _, c := range m.conns {
		if c.peer != nil {
			_ = c.peer.conn.Close()
			c.peer = nil
		}
	}
	m.awaitConnections()
}

// checkStored holds the verified files of the clients against the model: all,
// and nothing else.
func (m *sessionModel) checkStored() {
	for _, c := range m.clients {
		if c.who == nil {
			continue
		}
		id, n := persistence.ClientID(c.who.id), 0
		for f, err := range m.server.store.Files(m.t.Context(), persistence.FileFilter{Client: &id, Verified: true}) {
			if err != nil {
				m.rt.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(m.server.dir, f.PathName))
			if want, there := c.stored[f.FileName]; err != nil || !there || !bytes.Equal(got, want) {
				m.rt.Fatalf("%q of %q holds %d bytes (%v), want %d", f.FileName, c.name, len(got), err, len(want))
			}
			n++
		}
		if n != len(c.stored) {
			m.rt.Fatalf("%q has %d verified files, want %d", c.name, n, len(c.stored))
		}
	}
}
