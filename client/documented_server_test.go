package client

import (
	"bytes"
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A received request, taken apart by hand from the tables of the document, so
// that client and codec cannot agree on the same mistake.
type received struct {
	conn    int // the number of the connection, from 1
	nth     int // of its code, over all connections, from 1
	id      [16]byte
	version byte
	code    uint16
	size    uint32
	fixed   []byte // the payload without content
	plain   []byte // the content, decrypted
}

func (r received) text(at int) string {
	field := r.fixed[at : at+255]
	end := bytes.IndexByte(field, 0)
	for _, b := range field[end:] {
		if b != 0 {
			panic("a field is not padded with zeros")
		}
	}
	return string(field[:end])
}

// A documentedServer is a small server of the documented dialect. The test
// reads its fields when the conversation is over.
type documentedServer struct {
	t        *testing.T
	listener net.Listener
	running  sync.WaitGroup

	clients  map[string][16]byte
	requests []received
	stored   map[string][]byte

	// change may replace a response; nil closes the connection instead.
	change func(r received, response []byte) []byte
	// split is how many bytes go out in one write; 0 means all.
	split int
}

func newDocumentedServer(t *testing.T) *documentedServer {
	s := &documentedServer{t: t, listener: listen(t), clients: map[string][16]byte{}, stored: map[string][]byte{}}
	s.running.Go(func() {
		for n := 1; ; n++ {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.serve(n, conn) // one after the other: the tests need no more
			conn.Close()
		}
	})
	t.Cleanup(s.finish)
	return s
}

func listen(t *testing.T) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// finish waits until the server has seen the end of the last connection.
func (s *documentedServer) finish() {
	s.listener.Close()
	s.running.Wait()
}

func (s *documentedServer) address() string { return s.listener.Addr().String() }

// codes returns the codes of the requests in order, and 0 before those of a
// new connection.
func (s *documentedServer) codes() []uint16 {
	var codes []uint16
	for i, r := range s.requests {
		if i > 0 && r.conn != s.requests[i-1].conn {
			codes = append(codes, 0)
		}
		codes = append(codes, r.code)
	}
	return codes
}

func (s *documentedServer) serve(n int, conn net.Conn) {
	var key []byte
	for {
		r, err := readRequest(conn, key)
		if err != nil {
			return
		}
		r.conn, r.nth = n, 1
		for _, before := range s.requests {
			if before.code == r.code {
				r.nth++
			}
		}
		s.requests = append(s.requests, r)
		response := s.respond(r, &key)
		if s.change != nil {
			response = s.change(r, response)
		}
		if response == nil {
			return
		}
		for step := cmp.Or(s.split, len(response)); len(response) > 0; {
			part := response[:min(step, len(response))]
			if _, err := conn.Write(part); err != nil {
				return
			}
			response = response[len(part):]
		}
	}
}

func readRequest(conn io.Reader, key []byte) (r received, err error) {
	head := make([]byte, 23)
	if _, err := io.ReadFull(conn, head); err != nil {
		return r, err
	}
	r.id, r.version = [16]byte(head), head[16]
	r.code = binary.LittleEndian.Uint16(head[17:])
	r.size = binary.LittleEndian.Uint32(head[19:])
	fixed := r.size
	if r.code == 1103 {
		fixed = 275
	}
	r.fixed = make([]byte, fixed)
	if _, err := io.ReadFull(conn, r.fixed); err != nil || r.code != 1103 {
		return r, err
	}
	content := make([]byte, r.size-275)
	if _, err := io.ReadFull(conn, content); err != nil {
		return r, err
	}
	if key != nil {
		r.plain = decrypt(key, content)
	}
	return r, nil
}

func decrypt(key, content []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	cipher.NewCBCDecrypter(block, make([]byte, 16)).CryptBlocks(content, content)
	padding := int(content[len(content)-1])
	for _, b := range content[len(content)-padding:] {
		if int(b) != padding {
			panic("wrong padding")
		}
	}
	return content[:len(content)-padding]
}

func (s *documentedServer) respond(r received, key *[]byte) []byte {
	switch r.code {
	case 1100:
		name := r.text(0)
		if _, taken := s.clients[name]; taken {
			return documented(2101)
		}
		id := [16]byte(bytes.Repeat([]byte{byte(len(s.clients) + 0xa1)}, 16))
		s.clients[name] = id
		return documented(2100, id[:])
	case 1101:
		if id, known := s.clients[r.text(0)]; !known || id != r.id {
			return documented(2101)
		}
		*key = bytes.Repeat([]byte{byte(r.nth)}, 16)
		return documented(2102, r.id[:], sealFor(s.t, r.fixed[255:], *key))
	case 1103:
		if *key == nil || [16]byte(r.fixed) != r.id || binary.LittleEndian.Uint32(r.fixed[16:]) != r.size-275 {
			return documented(2101)
		}
		s.stored[r.text(20)] = r.plain
		return documented(2103, r.fixed, binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(r.plain)))
	case 1106:
		*key = nil
		delete(s.stored, r.text(16))
	}
	return documented(2104)
}

func documented(code uint16, payload ...[]byte) []byte {
	body := bytes.Join(payload, nil)
	response := binary.LittleEndian.AppendUint16([]byte{3}, code)
	return append(binary.LittleEndian.AppendUint32(response, uint32(len(body))), body...)
}

func sealFor(t *testing.T, spki, key []byte) []byte {
	public, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		t.Errorf("the public key: %v", err)
		return make([]byte, 128)
	}
	sealed, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, public.(*rsa.PublicKey), key, nil)
	if err != nil {
		t.Error(err)
	}
	return sealed
}
