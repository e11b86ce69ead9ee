package reactor

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/sealquay/sealquay/internal/logging"
)

// fewDescriptors names the variable that makes the test's program a server with
// hardly any descriptors.
const fewDescriptors = "SEALQUAY_TEST_FEW_DESCRIPTORS"

// descriptorsLeft is how many it may open beside what it has.
const descriptorsLeft = 12

func serveWithFewDescriptors() {
	l, err := Listen(context.Background(), netip.MustParseAddrPort("127.0.0.1:0"), false)
	if err != nil {
		panic(err)
	}
	r, err := Start(Config{
		Listener: l, MemoryBudget: 64 * mib, HighMark: mib, LowMark: mib / 4, MaxConnections: 1000,
		RequestTimeout: time.Minute, IdleTimeout: time.Minute, OutputTimeout: time.Minute,
		NewSession: func(ConnInfo) Session { return script{} }, Log: zap.NewNop(),
	})
	if err != nil {
		panic(err)
	}
	few := uint64(openDescriptors() + descriptorsLeft)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: few, Max: few}); err != nil {
		panic(err)
	}
	fmt.Println(r.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends
}

// TestNoDescriptorLeft opens more connections than the server has descriptors:
// those beyond wait, and are served when others end.
func TestNoDescriptorLeft(t *testing.T) {
	t.Parallel()
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), fewDescriptors+"=1")
	server.Stderr = os.Stderr
	in, _ := server.StdinPipe()
	out, _ := server.StdoutPipe()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		if err := server.Wait(); err != nil {
			t.Errorf("the server: %v", err)
		}
	}()
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan net.Conn)
	const clients = 5 * descriptorsLeft
	for range clients {
		nc, err := net.Dial("tcp", addr[:len(addr)-1])
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		_ = nc.SetDeadline(time.Now().Add(patience))
		go func() {
			_, _ = nc.Write(registration())
			b := make([]byte, 7)
			if _, err := io.ReadFull(nc, b); err != nil {
				nc = nil
			}
			served <- nc
		}()
	}
	lost := 0
	for range clients {
		if nc := wait(t, served, "a client that is served"); nc != nil {
			nc.Close() // the next one's turn
		} else {
			lost++
		}
	}
	// One that was accepted with the last descriptor cannot be duplicated for gnet.
	if lost > clients/2 {
		t.Errorf("%d of %d clients were not served", lost, clients)
	}
}

func TestDescriptorsBoundLimits(t *testing.T) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	room := int(before.Max) - openDescriptors() - spareDescriptors
	for _, test := range []struct {
		name                 string
		connections, uploads int
		lowered              []string
	}{
		{"fit", 100, 50, nil},
		{"uploads by themselves", room / 2, 0, nil},
		{"too many uploads", room / 2, room / 2 * 2, nil},
		{"too many connections", 2 * room, 1, []string{"max_connections"}},
		{"too many of both", 2 * room, room, []string{"max_connections", "max_uploads"}},
	} {
		lines := new(logBuffer)
		log, _, flush := logging.New(logging.Options{Writer: lines, Format: logging.FormatJSON})
		lines.flush = func() { _ = log.Sync() }
		c := Config{MemoryBudget: 1024 * mib, MaxConnections: test.connections, MaxUploads: test.uploads, Log: log}
		c.fitDescriptors()
		if c.MaxConnections+c.MaxUploads > room+8 || c.MaxUploads < 1 || c.MaxConnections < 1 {
			t.Errorf("%s: %d connections and %d uploads do not fit %d descriptors", test.name, c.MaxConnections, c.MaxUploads, room)
		}
		var lowered []string
		for _, line := range lines.lines(t, logging.ServerWarning) {
			lowered = append(lowered, line["limit"].(string))
		}
		flush()
		if fmt.Sprint(lowered) != fmt.Sprint(test.lowered) {
			t.Errorf("%s: the log says %v were lowered, want %v", test.name, lowered, test.lowered)
		}
	}
	var after unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &after)
	if after.Cur != before.Max {
		t.Errorf("the soft limit is %d, want the hard one, %d", after.Cur, before.Max)
	}
}
