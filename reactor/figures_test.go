package reactor

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"
	"go.uber.org/zap"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// The tests named TestFigure measure what docs/PERFORMANCE.md says. They run
// with SEALQUAY_FIGURES=1 only. Server and load are two processes; the server is
// this program again, with the kind of server in SEALQUAY_FIGURE_SERVER.
const (
	figures      = "SEALQUAY_FIGURES"
	figureServer = "SEALQUAY_FIGURE_SERVER"
)

// serveFigure runs a server until standard input ends. Each line there asks for
// its processor time in seconds, its RSS in bytes after a collection, and its
// highest RSS.
func serveFigure(kind string) {
	if port, found := strings.CutPrefix(kind, "crowd:"); found {
		crowd(port)
		return
	}
	l, err := Listen(context.Background(), netip.MustParseAddrPort("0.0.0.0:0"), false)
	if err != nil {
		panic(err)
	}
	switch kind {
	case "plain":
		go servePlainly(l)
	case "gnet":
		go serveBuffered(l)
	case "sink":
		go serveNothing(l)
	case "tls goroutines":
		go servePlainTLS(l)
	default:
		serveReactor(l, kind)
	}
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		used := processorTime()
		runtime.GC()
		debug.FreeOSMemory()
		fmt.Println(used.Seconds(), status("VmRSS"), status("VmHWM"))
	}
}

// status returns a size of this process from proc_pid_status(5), in bytes.
func status(name string) int64 {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

// consumes is how many bytes a second the sessions of a kind of server take in
// all; those of the others do nothing.
var consumes = map[string]float64{"throttled": 50e6, "read_interest": 300e6, "blocking": 300e6}

// serveReactor serves with a reactor.
func serveReactor(l net.Listener, kind string) {
	s := script{}
	if kind == "loris" {
		s.end = func(context.Context) Answer {
			return Answer{Response: codec.FileReceived{}, Patience: lorisTimeout, Reason: logging.VerifyTimeout}
		}
	}
	if rate := consumes[kind]; rate > 0 {
		storage := &throttle{rate: rate}
		s.content = func(_ context.Context, p []byte) Answer {
			storage.take(len(p))
			return Answer{}
		}
	}
	c := Config{
		Listener: l, MemoryBudget: 256 * mib, HighMark: mib, LowMark: mib / 4, MaxConnections: 16000,
		RequestTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute, OutputTimeout: 30 * time.Second,
		MinimumBodyRate: 1024, ShortRegistrationGrace: 40 * time.Millisecond,
		NewSession: func(ConnInfo) Session { return s }, Log: zap.NewNop(),
	}
	if kind == "loris" {
		c.RequestTimeout, c.IdleTimeout = lorisTimeout, lorisTimeout
	}
	if kind == "tls" {
		config := figureTLS()
		c.Listener, c.TLS = nil, TLS{Listener: l, Config: func() *tls.Config { return config }, HandshakeTimeout: time.Minute}
	}
	c.blocking = kind == "blocking"
	if chunks, found := strings.CutPrefix(kind, "burst:"); found { // what cannot be lent to a worker
		n, _ := strconv.Atoi(chunks)
		c.blocking, c.burst = true, n*largeChunk
	}
	if chunks, found := strings.CutPrefix(kind, "turn:"); found {
		n, _ := strconv.Atoi(chunks)
		c.turn = n * largeChunk
	}
	if _, err := Start(c); err != nil {
		panic(err)
	}
}

func figureTLS() *tls.Config {
	own, err := makeCertificate("quay")
	if err != nil {
		panic(err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}}
}

// servePlainTLS is what any Go program would do: a goroutine for each connection,
// which reads 8 KiB at a time.
func servePlainTLS(l net.Listener) {
	for own := tls.NewListener(l, figureTLS()); ; {
		nc, err := own.Accept()
		if err != nil {
			return
		}
		go func() {
			defer nc.Close()
			_, _ = io.Copy(io.Discard, nc)
		}()
	}
}

// A throttle lets so many bytes a second through.
type throttle struct {
	rate float64
	mu   sync.Mutex
	free time.Time
}

func (t *throttle) take(n int) {
	t.mu.Lock()
	now := time.Now()
	if t.free.Before(now) {
		t.free = now
	}
	t.free = t.free.Add(time.Duration(float64(n) / t.rate * 1e9))
	wait := t.free.Sub(now)
	t.mu.Unlock()
	time.Sleep(wait)
}

// servePlainly is the loop that any Go program would have: a goroutine for each
// connection, which reads into chunks of a pool.
func servePlainly(l net.Listener) {
	chunks := sync.Pool{New: func() any { return &chunk{buf: make([]byte, largeChunk)} }}
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer nc.Close()
			for {
				c := chunks.Get().(*chunk)
				_, err := io.ReadFull(nc, c.buf)
				chunks.Put(c)
				if err != nil {
					return
				}
			}
		}()
	}
}

// buffered is gnet as its examples have it: what OnTraffic finds is copied into
// chunks.
type buffered struct {
	gnet.BuiltinEventEngine
}

func (buffered) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(&chunk{buf: make([]byte, largeChunk)})
	return nil, gnet.None
}

func (buffered) OnTraffic(c gnet.Conn) gnet.Action {
	ch := c.Context().(*chunk)
	for c.InboundBuffered() > 0 {
		n, _ := c.Read(ch.free())
		if ch.n += n; len(ch.free()) == 0 {
			ch.n = 0
		}
	}
	return gnet.None
}

func serveBuffered(l net.Listener) {
	client, err := gnet.NewClient(new(buffered), gnet.WithNumEventLoop(runtime.GOMAXPROCS(0)),
		gnet.WithLogger(logging.NewReactor(zap.NewNop())))
	if err != nil {
		panic(err)
	}
	if err := client.Start(); err != nil {
		panic(err)
	}
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = client.Enroll(nc)
	}
}

// A server of a figure, from the outside.
type figureProcess struct {
	t    *testing.T
	in   io.WriteCloser
	out  *bufio.Reader
	port int
	next int // source address
	mu   sync.Mutex
}

func startFigure(t *testing.T, kind string) *figureProcess {
	t.Helper()
	if os.Getenv(figures) == "" {
		t.Skip("measures only with " + figures + "=1")
	}
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), figureServer+"="+kind)
	server.Stderr = os.Stderr
	in, _ := server.StdinPipe()
	out, _ := server.StdoutPipe()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	p := &figureProcess{t: t, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		in.Close()
		_ = server.Wait()
	})
	p.port = int(p.read()[0])
	return p
}

func (p *figureProcess) read() (numbers []float64) {
	p.t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	for _, word := range strings.Fields(line) {
		n, _ := strconv.ParseFloat(word, 64)
		numbers = append(numbers, n)
	}
	return numbers
}

// look returns the server's processor time in seconds and its RSS now and at
// most, in bytes.
func (p *figureProcess) look() (cpu, rss, highest float64) {
	fmt.Fprintln(p.in)
	n := p.read()
	return n[0], n[1], n[2]
}

// dial connects from one of many addresses of the loopback interface.
func (p *figureProcess) dial() *net.TCPConn {
	p.mu.Lock()
	p.next++
	from := net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+p.next%50))}
	p.mu.Unlock()
	nc, err := net.DialTCP("tcp", &from, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: p.port})
	if err != nil {
		p.t.Error(err)
		runtime.Goexit()
	}
	return nc
}

// upload sends size bytes of content on nc and waits for the answer; a server
// that does not know the protocol answers by the end of the stream.
func upload(nc *net.TCPConn, size int, reactor bool, from []byte) error {
	if _, err := nc.Write(head(size)); err != nil {
		return err
	}
	for left := size; left > 0; {
		n, err := nc.Write(from[:min(left, len(from))])
		if err != nil {
			return err
		}
		left -= n
	}
	if !reactor {
		_ = nc.CloseWrite()
		_, _ = nc.Read(make([]byte, 1))
		return nil
	}
	_, err := io.ReadFull(nc, make([]byte, len(codec.AppendResponse(nil, codec.Documented, codec.FileReceived{}))))
	return err
}

// uploads has so many clients send size bytes each, all at once, to a reactor.
func (p *figureProcess) uploads(clients, size int, from []byte) {
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			nc := p.dial()
			defer nc.Close()
			if err := upload(nc, size, true, from); err != nil {
				p.t.Errorf("an upload: %v", err)
			}
		})
	}
	all.Wait()
}

// TestFigureReceive: processor seconds per GiB, received only.
func TestFigureReceive(t *testing.T) {
	kinds := []string{"plain", "reactor", "gnet"}
	servers := make(map[string]*figureProcess)
	for _, kind := range kinds {
		servers[kind] = startFigure(t, kind)
	}
	const rounds, total = 5, 1 << 30
	from := make([]byte, 1<<20)
	for _, connections := range []int{1, 16, 256} {
		cost := make(map[string][]float64)
		for range rounds {
			for _, kind := range kinds {
				p := servers[kind]
				before, _, _ := p.look()
				var all sync.WaitGroup
				for range connections {
					all.Go(func() {
						nc := p.dial()
						defer nc.Close()
						if err := upload(nc, total/connections, kind == "reactor", from); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				after, _, _ := p.look()
				cost[kind] = append(cost[kind], after-before)
			}
		}
		plain := median(cost["plain"])
		for _, kind := range kinds {
			slices.Sort(cost[kind])
			t.Logf("%3d connections, %-8s %.2f s/GiB (%.2f to %.2f), %.2f of the plain loop",
				connections, kind, median(cost[kind]), cost[kind][0], cost[kind][rounds-1], median(cost[kind])/plain)
		}
	}
}

func median(f []float64) float64 {
	s := slices.Sorted(slices.Values(f))
	return s[len(s)/2]
}

// TestFigureIdle: what a connection costs that says nothing.
func TestFigureIdle(t *testing.T) {
	const connections = 15000
	p := startFigure(t, "reactor")
	_, before, _ := p.look()
	for range connections {
		defer p.dial().Close()
	}
	nc := p.dial() // what was accepted before it is with its loop then
	defer nc.Close()
	if _, _, err := exchange(nc); err != nil {
		t.Fatal(err)
	}
	_, after, _ := p.look()
	t.Logf("%d idle connections: %.0f bytes of RSS each above %.1f MiB", connections, (after-before)/connections, before/mib)
}

// TestFigureIdleTLS: what a connection costs that says nothing after its
// handshake, with the loops and with a goroutine for each.
func TestFigureIdleTLS(t *testing.T) {
	const connections = 5000
	for _, kind := range []string{"tls", "tls goroutines"} {
		p := startFigure(t, kind)
		_, before, _ := p.look()
		for range connections {
			nc := tls.Client(p.dial(), &tls.Config{InsecureSkipVerify: true}) // what is measured is the server
			defer nc.Close()
			if err := nc.Handshake(); err != nil {
				t.Fatal(err)
			}
		}
		_, after, _ := p.look()
		t.Logf("%s: %d idle connections: %.0f bytes of RSS each above %.1f MiB", kind, connections, (after-before)/connections, before/mib)
	}
}

// TestFigureMechanism: one upload at full speed into a consumer of 300 MB/s, and
// what others feel of it, with either way to keep a connection from being read.
func TestFigureMechanism(t *testing.T) {
	from := make([]byte, mib)
	for _, kind := range []string{"read_interest", "blocking"} {
		p := startFigure(t, kind)
		_, before, _ := p.look()
		p.during(kind+", without load", func() { time.Sleep(3 * time.Second) })
		p.during(kind+", one upload", func() { p.uploads(1, 1<<30, from) })
		_, _, highest := p.look()
		t.Logf("%s: highest RSS %.1f MiB above the %.1f of the empty server", kind, (highest-before)/mib, before/mib)
	}
}

// TestFigureBurst: what the length of a burst and of a turn does to 16 uploads
// and to the others beside them.
func TestFigureBurst(t *testing.T) {
	const rounds, uploads, size = 3, 16, 128 << 20
	from := make([]byte, mib)
	for _, kinds := range [][]string{
		{"burst:1", "burst:4", "burst:16", "burst:64"},
		{"turn:1", "turn:4", "turn:16", "turn:64"},
	} {
		servers := make(map[string]*figureProcess)
		cost, p99 := make(map[string][]float64), make(map[string][]float64)
		for range rounds {
			for _, kind := range kinds {
				if servers[kind] == nil {
					servers[kind] = startFigure(t, kind)
				}
				p := servers[kind]
				before, _, _ := p.look()
				took := p.during(kind, func() { p.uploads(uploads, size, from) })
				after, _, _ := p.look()
				cost[kind] = append(cost[kind], (after-before)/(uploads*size>>30))
				p99[kind] = append(p99[kind], float64(took)/1e6)
			}
		}
		for _, kind := range kinds {
			t.Logf("%-8s chunks: %.2f s/GiB, p99 of the others %.1f ms", kind, median(cost[kind]), median(p99[kind]))
		}
	}
}

// exchange sends a registration and returns how long the answer took.
func exchange(nc *net.TCPConn) (took time.Duration, code codec.Code, err error) {
	begin := time.Now()
	if _, err := nc.Write(registration()); err != nil {
		return 0, 0, err
	}
	_, err = io.ReadFull(nc, make([]byte, 7))
	return time.Since(begin), codec.CodeAcknowledged, err
}

// clients has 64 clients exchange until over is closed, each every 20 ms, and
// returns how long their answers took, in order.
func (p *figureProcess) clients(over <-chan struct{}) []time.Duration {
	var mu sync.Mutex
	var all sync.WaitGroup
	var took []time.Duration
	for range 64 {
		all.Go(func() {
			nc := p.dial()
			defer nc.Close()
			for tick := time.NewTicker(20 * time.Millisecond); ; {
				select {
				case <-over:
					return
				case <-tick.C:
				}
				d, _, err := exchange(nc)
				if err != nil {
					p.t.Errorf("a small session: %v", err)
					return
				}
				mu.Lock()
				took = append(took, d)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.Sort(took)
	return took
}

// during measures the small sessions while f runs, and returns the time that 99
// in 100 answers took no longer than.
func (p *figureProcess) during(what string, f func()) (p99 time.Duration) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		f()
	}()
	took := p.clients(over)
	p.t.Logf("%s: %d exchanges of 64 small sessions, p50 %v, p99 %v, max %v", what, len(took),
		took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
	return took[len(took)*99/100]
}

// TestFigureThrottled: a thousand uploads into storage that takes 50 MB/s in all.
func TestFigureThrottled(t *testing.T) {
	const uploads, size = 1000, 640 << 10
	p := startFigure(t, "throttled")
	from := make([]byte, 64<<10)
	p.during("without load", func() { time.Sleep(5 * time.Second) })
	p.during("1,000 uploads", func() { p.uploads(uploads, size, from) })
	_, _, highest := p.look()
	t.Logf("highest RSS %.0f MiB, the budget is 256", highest/mib)
}
