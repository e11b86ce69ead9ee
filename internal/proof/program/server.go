package program

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Server is a process that serves, from Start until Kill. It is for one
// goroutine.
type Server struct {
	cmd     *exec.Cmd
	started time.Time
	ready   chan readyLine // once
	ended   chan struct{}

	mu   sync.Mutex
	last tail // of what it logged
}

// Start starts a server on a free port of the loopback interface, and does not
// wait for it. The caller ends it by Kill.
func (p *Program) Start(ctx context.Context) (*Server, error) {
	return p.StartWith(ctx, 0)
}

// StartWith is Start on a port, with settings as the environment has them, like
// SEALQUAY_LEASE=3s.
func (p *Program) StartWith(ctx context.Context, port int, settings ...string) (*Server, error) {
	cmd := p.command(ctx, "serve", "--ip", "127.0.0.1", "--port", strconv.Itoa(port), "--data-dir", p.DataDir())
	cmd.Env = append(cmd.Env, settings...)
	log, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	s := &Server{cmd: cmd, ready: make(chan readyLine, 1), ended: make(chan struct{}), started: time.Now()}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	go s.listen(log)
	return s, nil
}

// readyLine is the server's word that it accepts connections. It waits in the
// server's log buffer, so that only its own time counts.
type readyLine struct {
	Time time.Time `json:"ts"`
	Addr string    `json:"addr"`
}

// listen reads the log until the process has ended.
func (s *Server) listen(log io.Reader) {
	defer close(s.ended)
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		s.remember(lines.Bytes())
		if !bytes.Contains(lines.Bytes(), []byte(`"server.ready"`)) {
			continue
		}
		var line readyLine
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Addr != "" {
			s.ready <- line
		}
	}
	_, _ = io.Copy(io.Discard, log) // a line too long ends the scanner, and must not block the process
}

// Ready waits until the server accepts connections, and returns its address and
// how long that took since its start. It is called once.
func (s *Server) Ready(ctx context.Context) (addr string, took time.Duration, err error) {
	select {
	case line := <-s.ready:
		return line.Addr, line.Time.Sub(s.started), nil
	case <-s.ended:
		return "", 0, fmt.Errorf("the server ended by itself:\n%s", s.last.text)
	case <-ctx.Done():
		return "", 0, fmt.Errorf("the server is not ready: %w", ctx.Err())
	}
}

// ProcessID is the server's, until Kill has returned.
func (s *Server) ProcessID() int { return s.cmd.Process.Pid }

// Kill ends the process with SIGKILL and waits until it is gone. It fails when
// the process had ended by itself, and says its last words.
func (s *Server) Kill() error {
	alone := s.hasEnded()
	_ = s.cmd.Process.Kill() // it is this program's child, and not waited for yet: its id is its own
	<-s.ended
	err := s.cmd.Wait()
	if alone {
		return fmt.Errorf("the server ended by itself: %w\n%s", err, s.last.end())
	}
	return nil
}

func (s *Server) remember(line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last.add(line)
}

// LastWords returns those of the last lines of the log that hold a text.
func (s *Server) LastWords(with string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []byte
	for line := range bytes.Lines(s.last.text) {
		if bytes.Contains(line, []byte(with)) {
			found = append(found, line...)
		}
	}
	return string(found)
}

// longestStop is longer than any drain takes.
const longestStop = time.Minute

// Stop ends the process with SIGTERM, and waits until it has drained.
func (s *Server) Stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it is this program's child, and not waited for yet
	select {
	case <-s.ended:
	case <-time.After(longestStop):
		_ = s.cmd.Process.Signal(syscall.SIGQUIT) // its last words are what its goroutines do
		<-s.ended
	}
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("the server did not end well: %w\n%s", err, s.last.end())
	}
	return nil
}

func (s *Server) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// end is as much of it as a person reads.
func (t *tail) end() []byte {
	lines := bytes.SplitAfter(t.text, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-20):], nil)
}

// tail keeps the last bytes of a text, by whole lines.
type tail struct{ text []byte }

const tailSize = 256 << 10

func (t *tail) add(line []byte) {
	t.text = append(append(t.text, line...), '\n')
	if len(t.text) > 2*tailSize {
		t.text = append(t.text[:0], t.text[len(t.text)-tailSize:]...)
	}
}
