package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"

	"github.com/sealquay/sealquay/internal/proof/account"
)

// session is a worker as the driver sees it.
type session struct {
	cmd   *exec.Cmd
	start io.WriteCloser
	last  bytes.Buffer // what it wrote to standard error

	opened chan struct{} // closed when has is complete
	failed chan struct{} // closed when it cannot go on
	ended  chan struct{} // closed when all is heard
	has    []event       // until opened

	hear func(event) // called for each event after has

	mu      sync.Mutex
	problem string // why it failed
}

// startWorker starts a worker process.
func startWorker(o order, hear func(event)) (*session, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	s := &session{
		cmd:    exec.Command(program),
		opened: make(chan struct{}),
		failed: make(chan struct{}),
		ended:  make(chan struct{}),
		hear:   hear,
	}
	s.cmd.Env = append(os.Environ(), workerVariable+"="+string(text))
	s.cmd.Stderr = &s.last
	if s.start, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	events, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	go s.listen(events)
	return s, nil
}

func (s *session) listen(r io.Reader) {
	defer close(s.ended)
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue // the last line of a killed process
		}
		switch e.Kind {
		case hasFile, hasClient, hasFinding:
			s.has = append(s.has, e)
		case opened:
			close(s.opened)
		case failed:
			s.fail(e.Detail)
		default:
			s.hear(e)
		}
	}
}

func (s *session) fail(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.problem == "" {
		s.problem = why
		close(s.failed)
	}
}

// why says why the worker cannot go on.
func (s *session) why() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problem
}

// begin lets an opened worker write.
func (s *session) begin() { _, _ = s.start.Write([]byte{'\n'}) }

// kill ends the worker and hears the rest of what it said.
func (s *session) kill() {
	_ = s.cmd.Process.Kill() // it is this program's child, not waited for yet
	<-s.ended
	_ = s.cmd.Wait()
}

func fileOf(e event) account.File { return account.File{Client: e.Client, Name: e.Name} }
