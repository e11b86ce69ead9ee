package main

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// A heard is what a client that probes the server with content can see of an
// answer.
type heard struct {
	code     uint16
	segments uint32 // that have come so far
	bytes    []byte // without the client's id and the CRC
	crc      int    // the first answer that had this CRC; -1: it has none
}

func (a heard) equal(b heard) bool {
	return a.code == b.code && a.segments == b.segments && a.crc == b.crc && bytes.Equal(a.bytes, b.bytes)
}

// TestBadPaddingTellsNothing: content with wrong padding, and damaged content
// whose padding is right, are answered alike in everything but the value of the
// CRC: the same bytes in as many segments, the same CRC or another at the same
// tries. Both count as tries, and the fifth is refused.
func TestBadPaddingTellsNothing(t *testing.T) {
	s := startTestServer(t)
	for _, p := range programs[:2] { // one of each dialect
		for _, verdicts := range [][]uint16{{1105, 1105, 1105, 1105}, {1105, 1106, 1105, 1106}} {
			t.Run(fmt.Sprint(p.name, verdicts), func(t *testing.T) {
				for n, end := range [][]byte{{0}, {17}, {255}, {3, 3, 4, 4, 4}, {5, 4, 4, 4}, {1, 15}} {
					for try := 1; ; try++ { // a busy kernel may send a segment twice
						name := fmt.Sprint(p.name, verdicts, n, try)
						right := askWith(t, s, p, name+"r", []byte{4, 4, 4, 4}, verdicts)
						wrong := askWith(t, s, p, name+"w", end, verdicts)
						if slices.EqualFunc(right, wrong, heard.equal) {
							break
						}
						if try == 3 {
							t.Fatalf("content that ends in %v is answered\n%v\nand damaged content\n%v", end, wrong, right)
						}
					}
				}
			})
		}
	}
}

// askWith sends two blocks that end in the given way as a new client, over and over
// until no try is left, and returns what it hears.
func askWith(t *testing.T, s *testServer, p program, name string, end []byte, verdicts []uint16) (all []heard) {
	t.Helper()
	k := p.talk(t, s)
	defer k.hangUp()
	k.who = &identity{name: name, key: someKey()}
	k.who.id = k.ask(k.pack1100(), 2100).id()
	k.exchange()
	pack := encryptedFile
	if p.encryptedFile != nil {
		pack = func(id clientID, path string, sealed []byte) []byte { return p.encryptedFile(id, path, sealed, 0) }
	}
	sent := pack(k.who.id, "file", encrypt(k.key, append(content("damaged", 32-len(end)), end...)))
	var crcs [][]byte
	for n := range len(verdicts) + 1 {
		k.peer.send(sent)
		all = append(all, k.hear(&crcs))
		if n == len(verdicts) {
			break
		}
		k.peer.send(verdict(verdicts[n], k.who.id, "file"))
		if !p.seed || verdicts[n] == 1106 {
			all = append(all, k.hear(&crcs))
		}
	}
	if last := all[len(all)-1]; last.code != 2101 {
		t.Errorf("the fifth try with a key is answered by %d", last.code)
	}
	k.exchange()
	k.deliver("file", content("whole", 100))
	return all
}

// hear reads an answer.
func (k *talk) hear(crcs *[][]byte) heard {
	k.t.Helper()
	r := k.peer.receive()
	h := heard{code: r.code, segments: k.peer.segments(), bytes: r.payload, crc: -1}
	if r.code == 2103 {
		const crc = 16 + 4 + 255
		h.bytes = r.payload[16:crc]
		*crcs = append(*crcs, r.payload[crc:])
		h.crc = slices.IndexFunc(*crcs, func(b []byte) bool { return bytes.Equal(b, r.payload[crc:]) })
	}
	return h
}

// segments counts those with data that have come.
func (p *peer) segments() (n uint32) {
	p.t.Helper()
	raw, err := p.conn.SyscallConn()
	if err != nil {
		p.t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		var info *unix.TCPInfo
		if info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = info.Data_segs_in
		}
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}
