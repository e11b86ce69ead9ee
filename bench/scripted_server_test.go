package bench

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"iter"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sealquay/sealquay/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A scriptedServer is a small server of the documented dialect, on pipes. It
// knows the protocol from the tables of the document and nothing of codec.
type scriptedServer struct {
	latency time.Duration                           // of each request
	stall   func(time.Duration) time.Duration       // more latency, by the time since the start
	change  func(code uint16, answer []byte) []byte // nil closes the connection
	refuse  error                                   // of each connection

	mu      sync.Mutex
	start   time.Time
	ids     map[string][16]byte
	keys    map[[16]byte][]byte
	stored  map[fileKey][]byte
	codes   []uint16
	uploads [][]byte // all contents, in order
	doubted bool     // what is stored is not verified
	dials   int
	running sync.WaitGroup
}

func newScriptedServer() *scriptedServer {
	return &scriptedServer{start: time.Now(), ids: map[string][16]byte{}, keys: map[[16]byte][]byte{}, stored: map[fileKey][]byte{}}
}

func (s *scriptedServer) dial(context.Context, string, string) (net.Conn, error) {
	if s.refuse != nil {
		return nil, s.refuse
	}
	here, there := net.Pipe()
	s.mu.Lock()
	s.dials++
	s.mu.Unlock()
	s.running.Go(func() {
		defer there.Close()
		for s.serve(there) {
		}
	})
	return here, nil
}

var payloads = map[uint16]int{1100: 255, 1101: 415, 1103: 275, 1104: 271, 1105: 271, 1106: 271}

func (s *scriptedServer) serve(conn net.Conn) bool {
	header := make([]byte, 23)
	if _, err := io.ReadFull(conn, header); err != nil {
		return false
	}
	code := binary.LittleEndian.Uint16(header[17:])
	payload := make([]byte, payloads[code])
	if _, err := io.ReadFull(conn, payload); err != nil {
		return false
	}
	var content []byte
	if code == 1103 {
		content = make([]byte, binary.LittleEndian.Uint32(payload[16:]))
		if _, err := io.ReadFull(conn, content); err != nil {
			return false
		}
	}
	wait := s.latency
	if s.stall != nil {
		wait += s.stall(time.Since(s.start))
	}
	time.Sleep(wait)
	answer := s.answer(code, [16]byte(header), payload, content)
	if s.change != nil {
		answer = s.change(code, answer)
	}
	if answer == nil {
		return false
	}
	_, err := conn.Write(answer)
	return err == nil
}

func (s *scriptedServer) answer(code uint16, id [16]byte, payload, content []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes = append(s.codes, code)
	switch code {
	case 1100:
		name := text(payload)
		if _, taken := s.ids[name]; taken {
			return response(2101)
		}
		binary.BigEndian.PutUint32(id[:], uint32(len(s.ids)+1))
		id[15] = 1
		s.ids[name] = id
		return response(2100, id[:])
	case 1101:
		if s.ids[text(payload)] != id {
			return response(2101)
		}
		s.keys[id] = []byte("sixteen bytes..!")
		return response(2102, id[:], seal(payload[255:], s.keys[id]))
	case 1103:
		if s.keys[id] == nil {
			return response(2101)
		}
		plain := decrypt(s.keys[id], content)
		s.uploads = append(s.uploads, plain)
		s.stored[fileKey{id, text(payload[20:])}] = plain
		return response(2103, payload, binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(plain)))
	}
	return response(2104)
}

// Files lists what is stored, as a Storage does.
func (s *scriptedServer) Files(context.Context) iter.Seq2[StoredFile, error] {
	return func(yield func(StoredFile, error) bool) {
		for key, content := range s.stored {
			f := StoredFile{Client: key.client, Name: key.name, Size: int64(len(content)), Verified: !s.doubted}
			f.CRC32 = func() (uint32, int64, error) { return crc32.ChecksumIEEE(content), int64(len(content)), nil }
			if !yield(f, nil) {
				return
			}
		}
	}
}

func (s *scriptedServer) count(code uint16) (n int) {
	for _, c := range s.codes {
		if c == code {
			n++
		}
	}
	return n
}

func text(field []byte) string {
	for i, b := range field {
		if b == 0 {
			return string(field[:i])
		}
	}
	return string(field)
}

func response(code uint16, payload ...[]byte) []byte {
	var body []byte
	for _, p := range payload {
		body = append(body, p...)
	}
	head := binary.LittleEndian.AppendUint16([]byte{3}, code)
	return append(binary.LittleEndian.AppendUint32(head, uint32(len(body))), body...)
}

func seal(spki, key []byte) []byte {
	public, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		panic(err)
	}
	sealed, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, public.(*rsa.PublicKey), key, nil)
	if err != nil {
		panic(err)
	}
	return sealed
}

func decrypt(key, content []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	cipher.NewCBCDecrypter(block, make([]byte, 16)).CryptBlocks(content, content)
	return content[:len(content)-int(content[len(content)-1])]
}

var testKeys = sync.OnceValue(func() []*client.Key {
	keys, err := MakeKeys(context.Background(), 1)
	if err != nil {
		panic(err)
	}
	return keys
})

// small is a plan that others are made from.
func small() Plan {
	return Plan{
		Target: "127.0.0.1:1", Dialect: "documented", Model: Closed,
		Stages: Stages{{time.Second, 2, 2}}, Grace: 5 * time.Second,
		Mix: Mix{{"one-file", 1}}, Sizes: Sizes{"1KiB"}, Files: 3, SlowRate: 1000,
		Keys: 1, Timeout: 30 * time.Second, Sources: 1, Name: "t", Remember: true,
	}
}

// runWith does a run against the server.
func runWith(t *testing.T, server *scriptedServer, plan Plan) (*Runner, *Result) {
	t.Helper()
	r, err := New(t.Context(), plan, Options{Dial: server.dial, Keys: testKeys()})
	if err != nil {
		t.Fatal(err)
	}
	result := r.Run(t.Context())
	server.running.Wait()
	return r, result
}

var errNoServer = &client.Error{Problem: client.ErrUnreachable, Cause: errors.New("no server")}
