package reactor

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"github.com/sealquay/sealquay/internal/logging"
)

// The places where a fuzzed peer begins to send what it likes.
const (
	beforeHandshake = iota
	withinHandshake // behind its ClientHello
	afterHandshake
	throughTLS // as plaintext
	places
)

// FuzzTLS sends arbitrary bytes in arbitrary pieces, before, in and after the
// handshake. Nothing panics, the memory stays within the budget, and when the
// client has ended its sending the connection ends, too.
func FuzzTLS(f *testing.F) {
	hello := clientHello(f)
	f.Add(uint8(beforeHandshake), uint8(1), hello)
	f.Add(uint8(beforeHandshake), uint8(7), hello[:len(hello)/2])
	f.Add(uint8(beforeHandshake), uint8(255), registration())
	f.Add(uint8(beforeHandshake), uint8(0), []byte{21, 3, 3, 0, 2, 1, 0})
	f.Add(uint8(withinHandshake), uint8(3), []byte{20, 3, 3, 0, 1, 1})
	f.Add(uint8(withinHandshake), uint8(9), append([]byte{23, 3, 3, 64, 0}, make([]byte, 1<<14)...))
	f.Add(uint8(withinHandshake), uint8(64), hello)
	f.Add(uint8(afterHandshake), uint8(5), []byte{23, 3, 3, 0, 17, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17})
	f.Add(uint8(afterHandshake), uint8(0), hello)
	f.Add(uint8(throughTLS), uint8(13), append(registration(), verdict()...))
	f.Add(uint8(throughTLS), uint8(200), append(head(4096), make([]byte, 4096)...))
	f.Add(uint8(throughTLS), uint8(100), hello)
	r := start(f, script{}, withTLS(f), func(c *Config) { c.ShortRegistrationGrace = 10 * time.Millisecond })
	f.Fuzz(func(t *testing.T, place, piece uint8, sent []byte) {
		conn, err := net.Dial("tcp", r.TLSAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		end := conn.(*net.TCPConn).CloseWrite
		to, from := io.Writer(conn), io.Reader(conn)
		switch place % places {
		case withinHandshake:
			_, _ = conn.Write(hello)
		case afterHandshake, throughTLS:
			secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
			if err := secure.Handshake(); err != nil {
				t.Fatal(err)
			}
			if place%places == throughTLS {
				to, from = secure, secure
			}
		}
		for rest := sent; len(rest) > 0; {
			n := min(1+int(piece), len(rest))
			if _, err := to.Write(rest[:n]); err != nil {
				break // the server has had enough
			}
			rest = rest[n:]
		}
		_ = end()
		if _, err := io.Copy(io.Discard, from); timedOut(err) {
			t.Fatalf("the connection does not end: %v", err)
		}
		if used, peak := r.memory.usage(); peak > r.MemoryBudget {
			t.Fatalf("%d bytes are in use, and were %d", used, peak)
		}
		if n := r.panics.Load(); n > 0 {
			t.Fatalf("panics: %v", r.log.lines(t, logging.ServerPanic))
		}
	})
}

func timedOut(err error) bool {
	failure, ok := err.(net.Error)
	return ok && failure.Timeout()
}
