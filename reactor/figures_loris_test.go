package reactor

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	lorisConnections = 10000
	lorisRate        = 2000            // connections opened in a second
	lorisTimeout     = 5 * time.Second // every deadline of the server
)

// lorisStates are what the slow-loris clients send, and nothing after it: they
// stop before a request, within a header, within a payload, between requests,
// before any content, within the content, and before the verdict.
var lorisStates = [][]byte{
	nil, registration()[:1], registration()[:100], registration(),
	head(1 << 20), append(head(1<<20), make([]byte, 100)...), append(head(16), make([]byte, 16)...),
}

// crowd is the process of the slow-loris clients. For each line of standard input it
// opens the connections, waits until all are closed, and says how many the server left open,
// the seconds after which the last was closed, and the processor time that this took here.
func crowd(port string) {
	fmt.Println(port)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		before := processorTime()
		left, longest := openCrowd("127.0.0.1:" + port)
		fmt.Println(left, longest.Seconds(), (processorTime() - before).Seconds())
	}
}

// openCrowd opens the connections and waits for their ends.
func openCrowd(at string) (left int, longest time.Duration) {
	var all sync.WaitGroup
	var mu sync.Mutex
	opening := time.NewTicker(10 * time.Second / lorisRate)
	defer opening.Stop()
	for i := range lorisConnections {
		if i%10 == 0 {
			<-opening.C
		}
		from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(2+i%50))}}
		nc, err := from.Dial("tcp", at)
		if err != nil {
			panic(err)
		}
		begin := time.Now()
		_, _ = nc.Write(lorisStates[i%len(lorisStates)])
		all.Go(func() {
			stays := staysOpen(nc)
			mu.Lock()
			defer mu.Unlock()
			longest = max(longest, time.Since(begin))
			if stays {
				left++
			}
		})
	}
	all.Wait()
	return left, longest
}

// staysOpen reads until the server closes the connection, and reports whether it never does.
func staysOpen(nc net.Conn) bool {
	defer nc.Close()
	_ = nc.SetReadDeadline(time.Now().Add(6 * lorisTimeout))
	for little := make([]byte, 64); ; { // io.Copy would take 32 KiB for each
		if _, err := nc.Read(little); err != nil {
			return os.IsTimeout(err)
		}
	}
}

// serveNothing accepts connections and closes each when the slow-loris deadline is over: the
// least that any server does. What others feel of it is the machine's.
func serveNothing(l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		time.AfterFunc(lorisTimeout, func() { _ = nc.Close() })
	}
}

func processorTime() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestFigureSlowLoris: ten thousand connections that say next to nothing, in
// every state, and what 64 others feel of it. All are closed on time. The crowd, the server, and
// the clients that are measured are three processes. For comparison, the same crowd is at
// a server that does nothing, beside the one that the clients are at.
func TestFigureSlowLoris(t *testing.T) {
	const rounds = 3
	server, sink := startFigure(t, "loris"), startFigure(t, "sink")
	atServer, atSink := server.startCrowd(), sink.startCrowd()
	p99 := make(map[string][]time.Duration)
	for range rounds {
		for _, run := range []struct {
			what string
			f    func()
		}{
			{"no crowd", func() { time.Sleep(lorisTimeout) }},
			{"the crowd at a server that does nothing", func() { atSink.gather(sink) }},
			{"the crowd at this server", func() { atServer.gather(server) }},
		} {
			p99[run.what] = append(p99[run.what], server.during(run.what, run.f))
		}
	}
	for what, all := range p99 {
		slices.Sort(all)
		t.Logf("%s: p99 %v in the median, %v to %v", what, all[rounds/2], all[0], all[rounds-1])
	}
}

// startCrowd starts the process of the clients that go to the server p.
func (p *figureProcess) startCrowd() *figureProcess {
	return startFigure(p.t, fmt.Sprintf("crowd:%d", p.port))
}

// gather has the crowd come to the server at, and says what became of it.
func (p *figureProcess) gather(at *figureProcess) {
	before, _, _ := at.look()
	fmt.Fprintln(p.in)
	n := p.read()
	after, _, _ := at.look()
	if n[0] > 0 {
		p.t.Errorf("%.0f connections were not closed", n[0])
	}
	p.t.Logf("closed after %.2f s at the latest, the limit is %v; processor time of the server %.2f s, of the crowd %.2f s",
		n[1], lorisTimeout, after-before, n[2])
}
