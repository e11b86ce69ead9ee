package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// processPatience is how long a test waits for what a process must do.
const processPatience = time.Minute

// A serverProcess is a server in a process of its own.
type serverProcess struct {
	t      testing.TB
	cmd    *exec.Cmd
	events chan logLine // closed at the end of its log
	addr   string       // once it was ready
}

// startProcess starts a server below dir with these settings of the environment
// and these flags.
func startProcess(t testing.TB, dir string, settings []string, flags ...string) *serverProcess {
	t.Helper()
	p := &serverProcess{t: t, events: make(chan logLine, 1<<16)}
	p.cmd = exec.Command("sealquay", append([]string{"serve", "--ip", "127.0.0.1", "--data-dir", "data"}, flags...)...)
	p.cmd.Dir, p.cmd.Env = dir, append(os.Environ(), settings...)
	log, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(p.events)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			var line logLine
			if json.Unmarshal(lines.Bytes(), &line) == nil && strings.HasPrefix(line["event"].(string), "server.") {
				p.events <- line
			}
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-read
		_ = p.cmd.Wait()
	})
	return p
}

// await returns the line of the next event of this kind.
func (p *serverProcess) await(e logging.Event) logLine {
	p.t.Helper()
	for end := time.After(processPatience); ; {
		select {
		case line, more := <-p.events:
			if !more {
				p.t.Fatalf("the server ended without %s", e)
			}
			if line["event"] == string(e) {
				return line
			}
		case <-end:
			p.t.Fatalf("no %s in %v", e, processPatience)
		}
	}
}

func (p *serverProcess) ready() *serverProcess {
	p.t.Helper()
	p.addr = p.await(logging.ServerReady)["addr"].(string)
	return p
}

func (p *serverProcess) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// status waits for the end of the process and returns its exit status.
func (p *serverProcess) status() int {
	p.t.Helper()
	for end := time.After(processPatience); ; {
		select {
		case _, more := <-p.events:
			if more {
				continue
			}
			var failed *exec.ExitError
			if err := p.cmd.Wait(); err != nil && !errors.As(err, &failed) {
				p.t.Fatal(err)
			}
			return p.cmd.ProcessState.ExitCode()
		case <-end:
			p.t.Fatalf("the server has not ended in %v", processPatience)
		}
	}
}

// TestTakeOverBetweenProcesses replaces a server by another while clients come
// without pause: none is refused, none is cut off.
func TestTakeOverBetweenProcesses(t *testing.T) {
	dir := t.TempDir()
	old := startProcess(t, dir, nil, "--port", "0").ready()
	addr := old.addr // every successor's, too
	_, port, _ := net.SplitHostPort(addr)
	var load sync.WaitGroup
	var over atomic.Bool
	var served atomic.Int64
	for i := range 4 {
		load.Go(func() {
			for k := 0; !over.Load(); k++ {
				if err := register(t.Context(), addr, fmt.Sprintf("client %d.%d", i, k)); err != nil {
					t.Errorf("after %d conversations: %v", served.Load(), err)
					return
				}
				served.Add(1)
			}
		})
	}
	defer load.Wait()
	defer over.Store(true)
	for range 2 {
		more(t, &served)
		successor := startProcess(t, dir, nil, "--port", port, "--take-over", strconv.Itoa(old.cmd.Process.Pid)).ready()
		if code := old.status(); code != 0 {
			t.Errorf("the old server ended with status %d", code)
		}
		old = successor
	}
	more(t, &served)
}

// more returns when some more conversations were served.
func more(t *testing.T, served *atomic.Int64) {
	t.Helper()
	before, end := served.Load(), time.Now().Add(processPatience)
	for served.Load() < before+20 {
		if t.Failed() || time.Now().After(end) {
			t.Fatal("nobody is served")
		}
		time.Sleep(time.Millisecond) // the load has no event to wait for
	}
}

// register has a new client say its name, and leave.
func register(ctx context.Context, addr, name string) error {
	s, err := client.Dial(ctx, client.Options{Server: addr})
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.Register(ctx, name)
	return err
}

// TestSecondSignal: an upload under way holds a drain up; a second signal ends
// the server at once.
func TestSecondSignal(t *testing.T) {
	p := startProcess(t, t.TempDir(), []string{"SEALQUAY_DRAIN_TIMEOUT=10m"}, "--port", "0").ready()
	nc, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	unfinished := codec.AppendRequest(nil, codec.Documented, codec.ClientID{}, codec.Registration{Name: []byte("Ada")})
	if _, err := nc.Write(unfinished[:100]); err != nil {
		t.Fatal(err)
	}
	if err := register(t.Context(), p.addr, "Bob"); err != nil { // what came before it is with the server then
		t.Fatal(err)
	}
	p.signal(syscall.SIGTERM)
	p.await(logging.ServerDrain)
	p.signal(syscall.SIGTERM)
	if code := p.status(); code == 0 {
		t.Error("the server says that all ended well")
	}
}
