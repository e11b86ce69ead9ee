package reactor

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// testCertificate makes a certificate for 127.0.0.1 that signs itself.
func testCertificate(t testing.TB, subject string) tls.Certificate {
	t.Helper()
	c, err := makeCertificate(subject)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func makeCertificate(subject string) (c tls.Certificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: subject},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return c, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}

// withTLS adds a TLS listener.
func withTLS(t testing.TB, change ...func(*tls.Config)) func(*Config) {
	config := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{testCertificate(t, "quay")}}
	for _, f := range change {
		f(config)
	}
	return func(c *Config) {
		l, err := Listen(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"), false)
		if err != nil {
			t.Fatal(err)
		}
		c.TLS = TLS{Listener: l, Config: func() *tls.Config { return config }, HandshakeTimeout: time.Minute}
	}
}

// secure makes the peer speak TLS from here on.
func (p *peer) secure(change ...func(*tls.Config)) *tls.Conn {
	p.t.Helper()
	config := &tls.Config{InsecureSkipVerify: true} // what is tested here is the server
	for _, f := range change {
		f(config)
	}
	conn := tls.Client(p.TCPConn, config)
	if err := conn.Handshake(); err != nil {
		p.t.Fatalf("handshake: %v", err)
	}
	p.stream = conn
	return conn
}

// eachPause runs a test with both ways of not reading a connection.
func eachPause(t *testing.T, test func(t *testing.T, change func(*Config))) {
	for name, blocking := range map[string]bool{"interest": false, "blocking": true} {
		t.Run(name, func(t *testing.T) { test(t, func(c *Config) { c.blocking = blocking }) })
	}
}

func TestTLSCarriesRequestsAndContent(t *testing.T) {
	eachPause(t, func(t *testing.T, change func(*Config)) {
		var mu sync.Mutex
		var got bytes.Buffer
		var secured atomic.Bool
		r := startWith(t, func(i ConnInfo) Session {
			secured.Store(i.TLS)
			return script{content: func(_ context.Context, p []byte) Answer {
				mu.Lock()
				defer mu.Unlock()
				got.Write(p)
				return Answer{}
			}}
		}, withTLS(t), change)
		p := r.dialAt(r.TLSAddr())
		p.secure()
		p.send(registration())
		p.expect(codec.CodeAcknowledged)
		content := make([]byte, 5*mib+32)
		_, _ = rand.Read(content)
		p.send(head(len(content)))
		for rest, size := content, 1; len(rest) > 0; size = size*3 + 1 { // records of many sizes
			n := min(size, len(rest))
			p.send(rest[:n])
			rest = rest[n:]
		}
		p.expect(codec.CodeFileReceived)
		p.send(verdict())
		p.expect(codec.CodeAcknowledged)
		mu.Lock()
		defer mu.Unlock()
		if !bytes.Equal(got.Bytes(), content) {
			t.Errorf("%d bytes arrived, not the %d that were sent", got.Len(), len(content))
		}
		if !secured.Load() {
			t.Error("the session does not know that it comes through TLS")
		}
		p.Close()
		r.expectClosed(1, logging.ClientClosed)
		if opened := r.log.lines(t, logging.ConnOpen); len(opened) != 1 || opened[0]["tls"] != true {
			t.Errorf("conn.open: %v", opened)
		}
		if lines := r.log.lines(t, logging.ConnSecured); len(lines) != 1 || lines[0]["tls_version"] != "TLS 1.3" {
			t.Errorf("conn.secured: %v", lines)
		}
	})
}

func TestTLSRefuses(t *testing.T) {
	for name, say := range map[string]func(*peer){
		"TLS 1.2": func(p *peer) {
			if err := tls.Client(p.TCPConn, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}).Handshake(); err == nil {
				p.t.Error("a handshake with TLS 1.2 succeeded")
			}
		},
		"a foreign CA": func(p *peer) {
			if err := tls.Client(p.TCPConn, &tls.Config{ServerName: "127.0.0.1", RootCAs: x509.NewCertPool()}).Handshake(); err == nil {
				p.t.Error("a handshake with a certificate of a foreign CA succeeded")
			}
		},
		"an end within the ClientHello": func(p *peer) { p.send([]byte{22, 3, 1, 1, 0, 1}); _ = p.CloseWrite() },
		"another protocol by ALPN": func(p *peer) {
			if err := tls.Client(p.TCPConn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}).Handshake(); err == nil {
				p.t.Error("a handshake for another protocol succeeded")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, script{}, withTLS(t, func(c *tls.Config) { c.NextProtos = []string{"sealquay"} }))
			p := r.dialAt(r.TLSAddr())
			say(p)
			_ = p.CloseWrite()
			p.closed()
			r.expectClosed(1, logging.HandshakeFailed)
			if line := r.log.lines(t, logging.ConnClose)[0]; line["error"] == nil || line["requests"] != 0.0 {
				t.Errorf("conn.close: %v", line)
			}
		})
	}
}

// Who comes without TLS is told that TLS is spoken here, and the log says so.
func TestPlainAtTLSPort(t *testing.T) {
	r := start(t, script{}, withTLS(t))
	p := r.dialAt(r.TLSAddr())
	p.send(registration())
	if got, err := io.ReadAll(p); err != nil || !bytes.Equal(got, unexpectedMessage) {
		t.Errorf("% x, %v, want an alert", got, err)
	}
	p.Close()
	r.expectClosed(1, logging.PlainAtTLSPort)
}

// Who comes with TLS to the port without is told that it is not spoken here. A
// client id may begin like that.
func TestTLSAtPlainPort(t *testing.T) {
	r := start(t, script{})
	p := r.dial()
	err := tls.Client(p.TCPConn, &tls.Config{InsecureSkipVerify: true}).Handshake()
	if _, ok := errors.AsType[tls.RecordHeaderError](err); !ok {
		t.Errorf("the handshake ends with %v", err)
	}
	p.Close()
	r.expectClosed(1, logging.TLSAtPlainPort)

	like := r.dial()
	like.send(codec.AppendRequest(nil, codec.Documented, codec.ClientID{22, 3, 1, 2, 0, 1}, codec.Registration{Name: []byte("like")}))
	like.expect(codec.CodeAcknowledged)
}

func TestTLSHandshakeIsBoundInTime(t *testing.T) {
	r := start(t, script{}, withTLS(t), func(c *Config) { c.TLS.HandshakeTimeout = 300 * time.Millisecond })
	hello := clientHello(t)
	silent, half, waiting := r.dialAt(r.TLSAddr()), r.dialAt(r.TLSAddr()), r.dialAt(r.TLSAddr())
	half.send(hello[:len(hello)/2])
	waiting.send(hello) // and never a Finished
	for _, p := range []*peer{silent, half, waiting} {
		p.closed()
	}
	r.expectClosed(3, logging.HandshakeTimeout)
	eventually(t, "no handshake is under way", func() bool { return r.handshakes.Load() == 0 })
}

// clientHello returns the first flight of a client.
func clientHello(t testing.TB) []byte {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() { _ = tls.Client(theirs, &tls.Config{InsecureSkipVerify: true}).Handshake() }()
	b := make([]byte, 4096)
	n, err := ours.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// Those who compute are few, and those who wait for their clients are not among
// them: a crowd that never ends its handshake keeps nobody out.
func TestTLSCrowdInHandshakeKeepsNobodyOut(t *testing.T) {
	r := start(t, script{}, withTLS(t))
	hello := clientHello(t)
	for range 100 {
		r.dialAt(r.TLSAddr()).send(hello)
	}
	eventually(t, "100 handshakes are under way", func() bool { return r.handshakes.Load() == 100 })
	p := r.dialAt(r.TLSAddr())
	p.secure()
	p.send(registration())
	p.expect(codec.CodeAcknowledged)
}

// A client that ends its sending, by close_notify or without, gets the answers
// that it is owed, and what is acknowledged does not depend on which it was.
func TestTLSHalfClose(t *testing.T) {
	for name, end := range map[string]func(*peer, *tls.Conn){
		"close_notify":          func(_ *peer, c *tls.Conn) { _ = c.CloseWrite() },
		"close_notify with FIN": func(p *peer, c *tls.Conn) { _ = c.CloseWrite(); _ = p.CloseWrite() },
		"FIN alone":             func(p *peer, _ *tls.Conn) { _ = p.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			entered, release := make(chan struct{}, 1), make(chan struct{})
			r := start(t, script{request: func(context.Context, Request) Answer {
				entered <- struct{}{}
				<-release
				return acknowledged
			}}, withTLS(t))
			p := r.dialAt(r.TLSAddr())
			conn := p.secure()
			p.send(verdict())
			wait(t, entered, "the request")
			end(p, conn)
			eventually(t, "the end has arrived", func() bool { return r.watched() == 0 })
			close(release)
			p.expect(codec.CodeAcknowledged)
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("the server ends with %v, want its close_notify", err)
			}
			r.expectClosed(1, logging.ClientClosed)
		})
	}
}

func TestTLSContentCutShortIsNotComplete(t *testing.T) {
	var ends atomic.Int64
	r := start(t, script{end: func(context.Context) Answer { ends.Add(1); return Answer{} }}, withTLS(t))
	p := r.dialAt(r.TLSAddr())
	p.secure()
	p.send(head(1<<20), make([]byte, 1<<20-16))
	_ = p.CloseWrite()
	p.closed()
	r.expectClosed(1, logging.PayloadCutShort)
	if ends.Load() != 0 {
		t.Error("content that was cut short counts as complete")
	}
}

func TestTLSForgedRecordEndsTheConnection(t *testing.T) {
	r := start(t, script{}, withTLS(t))
	p := r.dialAt(r.TLSAddr())
	p.secure()
	p.send(registration())
	p.expect(codec.CodeAcknowledged)
	if _, err := p.TCPConn.Write(append([]byte{23, 3, 3, 0, 64}, make([]byte, 64)...)); err != nil {
		t.Fatal(err)
	}
	if r := p.answerOrError(); r == nil || !strings.Contains(r.Error(), "bad record MAC") {
		t.Errorf("the client sees %v, want the alert", r)
	}
	p.Close()
	r.expectClosed(1, logging.TLSRecord)
}

func TestTLSKeepsMemoryBounded(t *testing.T) {
	eachPause(t, func(t *testing.T, change func(*Config)) {
		release := make(chan struct{})
		r := start(t, script{content: func(context.Context, []byte) Answer { <-release; return Answer{} }}, withTLS(t), change)
		const each = 6 * mib
		sent := make(chan error, 4)
		var conns []*tls.Conn
		for range 4 {
			conns = append(conns, r.dialAt(r.TLSAddr()).secure())
		}
		for _, conn := range conns {
			go func() {
				_, err := conn.Write(append(head(each), make([]byte, each)...))
				if err == nil {
					_, err = conn.Read(make([]byte, 512))
				}
				sent <- err
			}()
		}
		eventually(t, "content waits", func() bool { used, _ := r.memory.usage(); return used >= mib })
		var before int64
		eventually(t, "no more is read", func() bool {
			_, peak := r.memory.usage()
			time.Sleep(50 * time.Millisecond) // long enough for a reader that does not stop
			_, now := r.memory.usage()
			before = now
			return now == peak
		})
		if before > 4*(2*mib) {
			t.Errorf("%d bytes wait, the mark of 4 connections is %d", before, 4*mib)
		}
		close(release)
		for range 4 {
			if err := wait(t, sent, "the upload ends"); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestTLSResumes(t *testing.T) {
	r := start(t, script{}, withTLS(t))
	cache := tls.NewLRUClientSessionCache(1)
	for i := range 2 {
		p := r.dialAt(r.TLSAddr())
		conn := p.secure(func(c *tls.Config) { c.ClientSessionCache = cache })
		p.send(registration())
		p.expect(codec.CodeAcknowledged) // the ticket has come before it
		if resumed := conn.ConnectionState().DidResume; resumed != (i == 1) {
			t.Errorf("connection %d: resumed is %v", i+1, resumed)
		}
		p.Close()
	}
}

func TestTLSClientCertificateIsLogged(t *testing.T) {
	known := testCertificate(t, "alice")
	pool := x509.NewCertPool()
	pool.AddCert(known.Leaf)
	r := start(t, script{}, withTLS(t, func(c *tls.Config) {
		c.ClientCAs, c.ClientAuth = pool, tls.RequireAndVerifyClientCert
	}))
	p := r.dialAt(r.TLSAddr())
	p.secure(func(c *tls.Config) { c.Certificates = []tls.Certificate{known} })
	p.send(registration())
	p.expect(codec.CodeAcknowledged)
	line := r.log.lines(t, logging.ConnSecured)[0]
	if fingerprint, _ := line["certificate_fingerprint"].(string); line["certificate_subject"] != "CN=alice" || len(fingerprint) != 64 {
		t.Errorf("conn.secured: %v", line)
	}
	p.Close()
	r.expectClosed(1, logging.ClientClosed)

	stranger := r.dialAt(r.TLSAddr())
	stranger.secure(func(c *tls.Config) { c.Certificates = []tls.Certificate{testCertificate(t, "mallory")} })
	if err := stranger.answerOrError(); err == nil {
		t.Error("a client with a certificate of another CA is served")
	}
	stranger.Close()
	eventually(t, "the stranger is logged", func() bool {
		lines := r.log.lines(t, logging.ConnClose)
		return len(lines) == 2 && lines[1]["reason"] == string(logging.HandshakeFailed)
	})
}

func TestTLSBehindAProxy(t *testing.T) {
	r := start(t, script{}, withTLS(t), func(c *Config) {
		c.ProxyProtocolFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	p := r.dialAt(r.TLSAddr())
	if _, err := io.WriteString(p.TCPConn, "PROXY TCP4 192.0.2.7 192.0.2.1 4711 1235\r\n"); err != nil {
		t.Fatal(err)
	}
	p.secure()
	p.send(registration())
	p.expect(codec.CodeAcknowledged)
	if line := r.log.lines(t, logging.ConnSecured)[0]; line["client_ip"] != "192.0.2.7" {
		t.Errorf("conn.secured: %v", line)
	}
}

func TestTLSDrains(t *testing.T) {
	entered, release := make(chan struct{}, 1), make(chan struct{})
	r := start(t, script{end: func(context.Context) Answer {
		entered <- struct{}{}
		<-release
		return Answer{Response: codec.FileReceived{}}
	}}, withTLS(t))
	idle, busy := r.dialAt(r.TLSAddr()), r.dialAt(r.TLSAddr())
	idleConn := idle.secure()
	busy.secure()
	busy.send(head(16), make([]byte, 16))
	wait(t, entered, "the end of the content")
	drained := make(chan error, 1)
	go func() { drained <- r.Drain(t.Context()) }()
	if _, err := idleConn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("an idle connection ends with %v, want a close_notify", err)
	}
	close(release)
	busy.expect(codec.CodeFileReceived)
	busy.Close()
	if err := wait(t, drained, "the drain"); err != nil {
		t.Error(err)
	}
	r.Reactor = nil
}

// watched returns how many connections the loops have.
func (r *testReactor) watched() int64 {
	var n atomic.Int64
	var done sync.WaitGroup
	done.Add(len(r.loops))
	r.eachLoop(func(l *loop) {
		defer done.Done()
		l.wheel.each(func(*conn) { n.Add(1) })
	})
	done.Wait()
	return n.Load()
}

// answerOrError returns the error that the client reads.
func (p *peer) answerOrError() error {
	_, err := io.Copy(io.Discard, p.stream)
	return err
}
