package reactor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap/zapcore"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

func TestMain(m *testing.M) {
	if os.Getenv(fewDescriptors) != "" {
		serveWithFewDescriptors()
		return
	}
	if kind := os.Getenv(figureServer); kind != "" {
		serveFigure(kind)
		return
	}
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) // gnet starts goroutines when it is imported
}

const (
	patience = 20 * time.Second // of a test for what must come
	mib      = 1 << 20
)

// A script is a session whose parts a test writes. What is missing answers a
// request by 2104, content by nothing, and its end by 2103.
type script struct {
	request func(context.Context, Request) Answer
	content func(context.Context, []byte) Answer
	end     func(context.Context) Answer
	close   func()
}

func (s script) Request(ctx context.Context, r Request) Answer {
	switch {
	case s.request != nil:
		return s.request(ctx, r)
	case r.Refusal != nil:
		return Answer{Response: codec.RegistrationError{}, SkipContent: true}
	case r.Frame.Content > 0:
		return Answer{}
	}
	return acknowledged
}

func (s script) Content(ctx context.Context, p []byte) Answer {
	if s.content == nil {
		return Answer{}
	}
	return s.content(ctx, p)
}

func (s script) ContentEnd(ctx context.Context) Answer {
	if s.end == nil {
		return Answer{Response: codec.FileReceived{}}
	}
	return s.end(ctx)
}

func (s script) Close() {
	if s.close != nil {
		s.close()
	}
}

var (
	acknowledged = Answer{Response: codec.Acknowledged{}}
	refused      = Answer{Response: codec.RegistrationError{}, SkipContent: true}
)

// A testReactor is a reactor on a free port whose log can be read.
type testReactor struct {
	*Reactor
	t   testing.TB
	log *logBuffer
}

// start starts a reactor whose connections all have the session s.
func start(t testing.TB, s script, change ...func(*Config)) *testReactor {
	t.Helper()
	return startWith(t, func(ConnInfo) Session { return s }, change...)
}

func startWith(t testing.TB, sessions func(ConnInfo) Session, change ...func(*Config)) *testReactor {
	t.Helper()
	l, err := Listen(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"), false)
	if err != nil {
		t.Fatal(err)
	}
	lines := new(logBuffer)
	log, _, flush := logging.New(logging.Options{Writer: lines, Level: zapcore.DebugLevel, Format: logging.FormatJSON})
	lines.flush = func() { _ = log.Sync() }
	c := Config{
		Listener: l, EventLoops: 2, Workers: 2,
		MemoryBudget: 64 * mib, HighMark: mib, LowMark: mib / 4,
		MaxConnections: 2000,
		RequestTimeout: time.Minute, IdleTimeout: time.Minute, OutputTimeout: time.Minute,
		ShortRegistrationGrace: time.Second,
		NewSession:             sessions, Log: log,
	}
	for _, f := range change {
		f(&c)
	}
	r, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	test := &testReactor{Reactor: r, t: t, log: lines}
	t.Cleanup(func() {
		test.drain()
		flush()
	})
	return test
}

// drain ends the reactor at once. It may be called before the test ends.
func (r *testReactor) drain() {
	if r.Reactor == nil {
		return
	}
	at, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Drain(at); err != nil && !errors.Is(err, context.Canceled) {
		r.t.Errorf("Drain: %v", err)
	}
	if used, _ := r.memory.usage(); used != 0 {
		r.t.Errorf("%d bytes of memory are in use after the end", used)
	}
	if n := r.uploads.Load(); n != 0 {
		r.t.Errorf("%d uploads are counted after the end", n)
	}
	r.Reactor = nil
}

// A peer is the client's end of a connection.
type peer struct {
	*net.TCPConn
	stream   io.ReadWriter // the connection, or its TLS
	t        testing.TB
	decoder  codec.ResponseDecoder
	received []byte // not decoded yet
}

func (r *testReactor) dial() *peer {
	r.t.Helper()
	return r.dialAt(r.Addr())
}

func (r *testReactor) dialAt(at netip.AddrPort) *peer {
	r.t.Helper()
	nc, err := net.Dial("tcp", at.String())
	if err != nil {
		r.t.Fatal(err)
	}
	p := &peer{TCPConn: nc.(*net.TCPConn), stream: nc, t: r.t}
	r.t.Cleanup(func() { _ = p.Close() })
	_ = p.SetDeadline(time.Now().Add(patience))
	return p
}

func (p *peer) send(b ...[]byte) {
	p.t.Helper()
	if _, err := p.stream.Write(bytes.Join(b, nil)); err != nil {
		p.t.Fatalf("send: %v", err)
	}
}

// answer returns the next response, nil at the end of the stream.
func (p *peer) answer() codec.Response {
	p.t.Helper()
	for {
		for len(p.received) > 0 {
			n, r, err := p.decoder.Next(p.received)
			p.received = p.received[n:]
			if err != nil {
				p.t.Fatalf("a response that cannot be decoded: %v", err)
			}
			if r != nil {
				return r
			}
		}
		b := make([]byte, 4096)
		n, err := p.stream.Read(b)
		p.received = b[:n]
		if n == 0 && errors.Is(err, io.EOF) {
			return nil
		}
		if n == 0 {
			p.t.Fatalf("wait for a response: %v", err)
		}
	}
}

// expect fails the test unless the next response has this code; 0 means the end
// of the stream.
func (p *peer) expect(want codec.Code) {
	p.t.Helper()
	got := codec.Code(0)
	if r := p.answer(); r != nil {
		got = codec.CodeOf(r)
	}
	if got != want {
		p.t.Fatalf("the response is %d, want %d", got, want)
	}
}

// closed waits until the server closed the connection, however it did.
func (p *peer) closed() {
	p.t.Helper()
	if _, err := io.Copy(io.Discard, p.TCPConn); errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatal("the server did not close the connection")
	}
}

func registration() []byte {
	return codec.AppendRequest(nil, codec.Documented, codec.ClientID{}, codec.Registration{Name: []byte("Ada")})
}

func verdict() []byte {
	return codec.AppendRequest(nil, codec.Documented, codec.ClientID{}, codec.CRCValidation{Verdict: codec.CodeValidCRC, FileName: []byte("f")})
}

// head is a 1103 without its content.
func head(size int) []byte {
	return codec.AppendRequest(nil, codec.Documented, codec.ClientID{}, codec.EncryptedFile{ContentSize: uint32(size), FileName: []byte("f")})
}

// wait returns what c brings, or fails the test.
func wait[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s: nothing in %v", what, patience)
		panic("unreachable")
	}
}

// eventually waits until ok. The state it looks at has no channel to wait on.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// A logBuffer keeps what is logged.
type logBuffer struct {
	flush func()
	mu    sync.Mutex
	text  bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// lines returns the lines of an event so far.
func (b *logBuffer) lines(t testing.TB, e logging.Event) (found []map[string]any) {
	t.Helper()
	b.flush()
	b.mu.Lock()
	defer b.mu.Unlock()
	for text := range strings.Lines(b.text.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("a log line is no JSON object: %v\n%s", err, text)
		}
		if line["event"] == string(e) {
			found = append(found, line)
		}
	}
	return found
}

// expectClosed waits for the end of n connections and checks the reason of all.
func (r *testReactor) expectClosed(n int, reason logging.Reason) {
	r.t.Helper()
	var ends []map[string]any
	eventually(r.t, "all connections are logged as closed", func() bool {
		ends = r.log.lines(r.t, logging.ConnClose)
		return len(ends) >= n
	})
	for _, line := range ends {
		if line["reason"] != string(reason) {
			r.t.Errorf("a connection was closed with the reason %v, want %v", line["reason"], reason)
		}
	}
}
