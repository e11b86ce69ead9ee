package main

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/sealquay/sealquay/internal/config"
)

// A program is a stand-in for a client that is in use: how it packs its
// requests and what it does between them. A nil function means the documented
// way. The rows are those of docs/PROTOCOL.md section 3.
type program struct {
	name          string
	seed          bool // section 2: the seed's own client
	registration  func(name string) []byte
	publicKey     func(who *identity) []byte
	encryptedFile func(id clientID, path string, sealed []byte, plain int) []byte
	verdict       func(code uint16, id clientID, path string) []byte
	path          func(name string) string // how it names a file
	crc           func([]byte) uint32      // nil: CRC-32
	readsOnce     bool                     // a response with one receive call
	perRequest    bool                     // a connection for each request
	registers     bool                     // on its second run too
	newKey        bool                     // on its second run
	reasons       []string                 // of refusals that it lives with, over both runs
}

var programs = []program{
	{name: "documented"},
	{
		name: "seed", seed: true, readsOnce: true, registers: true,
		reasons: []string{"name_taken"},
		registration: func(name string) []byte {
			return request(clientID{}, 1100, len(name), text(name))
		},
		publicKey: func(who *identity) []byte {
			return request(who.id, 1101, len(who.name)+160, text(who.name), who.publicKey())
		},
		encryptedFile: func(id clientID, path string, sealed []byte, _ int) []byte {
			path += ".enc"
			return request(id, 1103, 16+len(sealed)+len(path), id[:], number(len(sealed)), text(path), sealed)
		},
		path: func(name string) string { return `C:\Users\me\` + name },
	},
	{name: "row 1, 275", encryptedFile: uncounted(275)},
	{name: "row 1, 276", encryptedFile: uncounted(276)},
	{
		name: "row 2, plain size",
		encryptedFile: func(id clientID, path string, sealed []byte, plain int) []byte {
			return request(id, 1103, 275+len(sealed), id[:], number(plain), text(path), sealed)
		},
	},
	{
		name: "row 2, cut at a zero byte",
		encryptedFile: func(id clientID, path string, sealed []byte, _ int) []byte {
			digits, _, _ := bytes.Cut(number(len(sealed)), []byte{0})
			size := append(slices.Clone(digits), make([]byte, 4-len(digits))...)
			return request(id, 1103, 275+len(sealed), id[:], size, text(path), sealed)
		},
	},
	{
		name: "row 3",
		verdict: func(code uint16, id clientID, path string) []byte {
			return request(id, code, 0, id[:], text(path))
		},
	},
	{
		name: "row 4",
		registration: func(name string) []byte {
			return request(clientID{}, 1100, len(name), []byte(name))
		},
	},
	{
		name: "row 5",
		registration: func(name string) []byte {
			var id clientID
			rand.Read(id[:])
			return request(id, 1100, 255, text(name))
		},
	},
	{name: "row 6, new key", newKey: true},
	{name: "row 7", perRequest: true},
	{name: "row 8", readsOnce: true},
	{name: "row 10, /", path: func(name string) string { return "/home/me/" + name }},
	{name: `row 10, \`, path: func(name string) string { return `D:\files\` + name }},
	{name: "row 10, both", path: func(name string) string { return `../a\..\b/` + name }},
	{name: "row 13", crc: cksum},
	{name: "row 13 and row 7", crc: cksum, perRequest: true},
}

// uncounted packs 1103 with a payload size that leaves the content out.
func uncounted(payloadSize int) func(clientID, string, []byte, int) []byte {
	return func(id clientID, path string, sealed []byte, _ int) []byte {
		return request(id, 1103, payloadSize, id[:], number(len(sealed)), text(path), sealed)
	}
}

// sizes of files: none (row 14), and around a block.
var sizes = []int{0, 1, 15, 16, 17, 1 << 20}

// TestPrograms has each program send files of all sizes, and then other files of
// the same names on its second run.
func TestPrograms(t *testing.T) {
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := startTestServer(t)
			var refused []string
			for _, size := range sizes {
				client, file := fmt.Sprintf("%s %d", p.name, size), fmt.Sprintf("%d bytes.bin", size)
				first := content("first "+client, size)
				who := p.firstRun(t, s, client, file, first)
				s.checkStored(t, client, file, first)
				second := content("second "+client, size)
				p.secondRun(t, s, who, file, second)
				s.checkStored(t, client, file, second)
				refused = append(refused, p.reasons...)
			}
			if got := s.log.reasons(t); !slices.Equal(got, refused) {
				t.Errorf("the log has the reasons %q, want %q", got, refused)
			}
			s.checkClean(t)
			s.checkLog(t)
		})
	}
}

// A talk is one run of a program.
type talk struct {
	program
	t    testing.TB
	s    *testServer
	peer *peer
	who  *identity
	key  cipher.Block
}

func (p program) talk(t testing.TB, s *testServer) *talk {
	return &talk{program: p, t: t, s: s}
}

// firstRun registers and sends a file.
func (p program) firstRun(t testing.TB, s *testServer, client, file string, plain []byte) *identity {
	t.Helper()
	k := p.talk(t, s)
	defer k.hangUp()
	k.who = &identity{name: client, key: someKey()}
	k.who.id = k.ask(k.pack1100(), 2100).id()
	k.exchange()
	k.deliver(file, plain)
	return k.who
}

// secondRun sends a file with the id that is stored (row 6).
func (p program) secondRun(t testing.TB, s *testServer, who *identity, file string, plain []byte) {
	t.Helper()
	k := p.talk(t, s)
	defer k.hangUp()
	k.who = who
	if p.newKey {
		k.who = &identity{who.name, who.id, newKey()}
	}
	if p.registers {
		k.ask(k.pack1100(), 2101)
	}
	k.exchange()
	k.deliver(file, plain)
}

func (k *talk) pack1100() []byte {
	if k.registration != nil {
		return k.registration(k.who.name)
	}
	return registration(k.who.name)
}

func (k *talk) exchange() {
	k.t.Helper()
	pack := publicKey
	if k.publicKey != nil {
		pack = k.publicKey
	}
	k.key = k.who.open(k.t, k.ask(pack(k.who), 2102))
}

// deliver sends a file until its CRC is right, four times at most, and accepts
// it.
func (k *talk) deliver(file string, plain []byte) {
	k.t.Helper()
	want := crc32.ChecksumIEEE(plain)
	if k.crc != nil {
		want = k.crc(plain)
	}
	for range 4 {
		if k.upload(file, plain) == want {
			k.judge(1104, file)
			return
		}
		k.judge(1105, file)
	}
	k.t.Fatalf("the CRC of %s was wrong four times", file)
}

func (k *talk) pathOf(file string) string {
	if k.path != nil {
		return k.path(file)
	}
	return file
}

// upload sends 1103 and returns the CRC that the server tells.
func (k *talk) upload(file string, plain []byte) uint32 {
	k.t.Helper()
	path, sealed := k.pathOf(file), seal(k.key, plain)
	packed := encryptedFile(k.who.id, path, sealed)
	if k.encryptedFile != nil {
		packed = k.encryptedFile(k.who.id, path, sealed, len(plain))
	}
	r := k.ask(packed, 2103)
	if k.seed {
		path += ".enc"
	}
	declared := int(binary.LittleEndian.Uint32(packed[23+16:]))
	return (&peer{t: k.t, seed: k.seed}).crcOf(r, k.who.id, declared, path)
}

// judge sends a verdict and takes the answer; the seed's client waits for none
// after 1105, and is gone after 1106.
func (k *talk) judge(code uint16, file string) {
	k.t.Helper()
	pack := verdict
	if k.verdict != nil {
		pack = k.verdict
	}
	packed := pack(code, k.who.id, k.pathOf(file))
	if k.seed && code != 1104 {
		k.connect().send(packed)
		return
	}
	k.ask(packed, 2104)
}

// ask sends a request and returns the response to it.
func (k *talk) ask(packed []byte, code uint16) response {
	k.t.Helper()
	p := k.connect()
	p.send(packed)
	receive := p.receive
	if k.readsOnce {
		receive = p.receiveOnce
	}
	r := receive()
	if r.code != code {
		k.t.Fatalf("response %d, want %d", r.code, code)
	}
	if k.perRequest {
		k.hangUp()
	}
	return r
}

func (k *talk) connect() *peer {
	k.t.Helper()
	if k.peer == nil {
		k.peer = dial(k.t, k.s)
		k.peer.seed = k.seed
	}
	return k.peer
}

func (k *talk) hangUp() {
	if k.peer != nil {
		_ = k.peer.conn.Close() // the end of a run, whether or not it went well
		k.peer = nil
	}
}

// TestGivingUp has the programs give up: after three or four times 1103, or at
// once after a 1105 (row 12). The next run goes well.
func TestGivingUp(t *testing.T) {
	for _, p := range programs {
		if !slices.Contains([]string{"documented", "seed", "row 3", "row 7"}, p.name) {
			continue // as documented
		}
		for _, verdicts := range [][]uint16{
			{1105, 1105, 1106},
			{1105, 1105, 1105, 1106},
			{1106},
		} {
			t.Run(fmt.Sprint(p.name, verdicts), func(t *testing.T) { giveUp(t, p, verdicts, false) })
		}
		t.Run(p.name+", 1106 right after a 1105", func(t *testing.T) {
			giveUp(t, p, []uint16{1105, 1105, 1105}, true)
		})
	}
}

// giveUp sends a file once for each verdict, and perhaps 1106 after the last.
func giveUp(t *testing.T, p program, verdicts []uint16, again bool) {
	t.Parallel()
	s := startTestServer(t)
	who := p.firstRun(t, s, "me", "other", content("other", 100))
	k := p.talk(t, s)
	k.who = who
	k.exchange()
	for _, v := range verdicts {
		k.upload("file", content("file", 100))
		k.judge(v, "file")
	}
	if again {
		k.judge(1106, "file")
	}
	k.hangUp()
	s.awaitVerdicts(t, 1+len(verdicts), again)
	s.checkNotStored(t, "me", "file")
	s.checkClean(t)
	p.secondRun(t, s, who, "file", content("file", 100))
	s.checkStored(t, "me", "file", content("file", 100))
	s.checkLog(t)
}

// awaitVerdicts waits until the server has handled the last verdict: the seed's
// client does not.
func (s *testServer) awaitVerdicts(t testing.TB, n int, again bool) {
	t.Helper()
	if again {
		n++
	}
	done := func() (count int) {
		for _, line := range s.log.lines(t, "request.done") {
			if op := line["op"].(string); op == "valid_crc" || op == "invalid_crc" || op == "give_up" {
				count++
			}
		}
		return count
	}
	eventually(t, func() bool { return done() >= n }, func() string { return "a verdict is not handled" })
}

// TestChecksumIsRemembered holds the server against row 13: a client that uses
// cksum has its first file rejected once, and none after that: not the next
// file, not on the next connection, not after a restart.
func TestChecksumIsRemembered(t *testing.T) {
	dir := t.TempDir()
	s := startTestServerIn(t, dir)
	p := program{name: "cksum", crc: cksum}
	who := p.firstRun(t, s, "me", "first", content("1", 1000))
	k := p.talk(t, s)
	k.who = who
	k.exchange()
	k.deliver("second", content("2", 0))
	k.deliver("third", content("3", 1<<20))
	k.hangUp()
	if n := len(s.log.lines(t, "file.rejected")); n != 1 {
		t.Errorf("%d uploads were rejected, want 1", n)
	}
	s.stop(t)

	s = startTestServerIn(t, dir)
	p.secondRun(t, s, who, "first", content("4", 1000))
	s.checkStored(t, "me", "first", content("4", 1000))
	s.checkStored(t, "me", "third", content("3", 1<<20))
	if n := len(s.log.lines(t, "file.rejected")); n != 0 {
		t.Errorf("%d uploads were rejected after the restart", n)
	}
}

// TestChecksumIsFixed holds the server against the two other settings of
// checksum: the kind never changes.
func TestChecksumIsFixed(t *testing.T) {
	for kind, crc := range map[config.Checksum]func([]byte) uint32{
		config.ChecksumCRC32: crc32.ChecksumIEEE,
		config.ChecksumCksum: cksum,
	} {
		t.Run(string(kind), func(t *testing.T) {
			s := startTestServer(t, func(c *config.Config) { c.Checksum = kind })
			p := dial(t, s)
			who := p.register("me")
			key, plain := p.exchange(who), content("file", 100)
			for range 3 {
				if got := p.upload(who, key, "file", plain); got != crc(plain) {
					t.Fatalf("the CRC is %d, want %d", got, crc(plain))
				}
				p.send(verdict(1105, who.id, "file"))
				p.expect(2104)
			}
		})
	}
}

// TestNoZeroBytes draws so many ids and AES keys that one with a zero byte would
// be among them but for one time in a thousand million (row 9).
func TestNoZeroBytes(t *testing.T) {
	s := startTestServer(t)
	const peers, each = 20, 20
	everyone(t, peers, func(t testing.TB, i int) {
		p := dial(t, s)
		var names [][]byte
		for j := range each {
			names = append(names, registration(fmt.Sprintf("client %d %d", i, j)))
		}
		p.send(names...)
		who := &identity{name: fmt.Sprintf("client %d 0", i), key: someKey()}
		for j := range each {
			id := p.expect(2100).id()
			if bytes.IndexByte(id[:], 0) >= 0 {
				t.Errorf("the id %v holds a zero byte", id)
			}
			if j == 0 {
				who.id = id
			}
		}
		p.send(bytes.Repeat(publicKey(who), each))
		for range each {
			who.open(t, p.expect(2102)) // checks the key
		}
	})
}

// TestLongNames sends the longest names that fit their fields.
func TestLongNames(t *testing.T) {
	s := startTestServer(t)
	client, file := strings.Repeat("c", 254), strings.Repeat("f", 254)
	deliverNew(t, s, client, file, []byte("text"))
	s.checkStored(t, client, file, []byte("text"))
}
