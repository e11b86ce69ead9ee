package s3server

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/sealquay/sealquay/internal/proof/port"
)

// ErrNotInstalled means that this machine has no S3 server.
var ErrNotInstalled = errors.New("versitygw is not installed: go install github.com/versity/versitygw/cmd/versitygw@v1.8.0")

// What every server of this package takes.
const (
	Bucket    = "sealquay"
	Region    = "us-east-1"
	AccessKey = "sealquay"
	SecretKey = "sealquay-secret"
)

// Server is an S3 server with a directory of its own. Its methods are for one
// goroutine.
type Server struct {
	dir   string
	tls   bool
	port  int
	cmd   *exec.Cmd
	ended chan struct{}
	log   output
}

// Start makes a server with an empty bucket below dir, which must be empty and
// is the server's alone, and starts it on a free port of 127.0.0.1. The caller
// ends it by Kill.
func Start(ctx context.Context, dir string) (*Server, error) {
	return start(ctx, &Server{dir: dir})
}

// StartTLS is Start for a server that speaks TLS only, with a certificate and
// its key in PEM.
func StartTLS(ctx context.Context, dir string, certificate, key []byte) (*Server, error) {
	s := &Server{dir: dir, tls: true}
	if err := errors.Join(os.WriteFile(s.certificate(), certificate, 0o600), os.WriteFile(s.key(), key, 0o600)); err != nil {
		return nil, err
	}
	return start(ctx, s)
}

func start(ctx context.Context, s *Server) (*Server, error) {
	for _, folder := range []string{s.bucket(), s.metadata()} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
	}
	var err error
	if s.port, err = port.Free(); err != nil {
		return nil, err
	}
	if err := s.Restart(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Server) bucket() string   { return filepath.Join(s.dir, "data", Bucket) }
func (s *Server) metadata() string { return filepath.Join(s.dir, "metadata") }

func (s *Server) certificate() string { return filepath.Join(s.dir, "server.crt") }
func (s *Server) key() string         { return filepath.Join(s.dir, "server.key") }

// Restart starts a server that was killed, on the same port, and waits until
// it takes requests.
func (s *Server) Restart(ctx context.Context) error {
	path, err := find()
	if err != nil {
		return err
	}
	// The metadata beside the content, not in its attributes: not every file
	// system has these.
	args := []string{"--port", s.Addr(), "--access", AccessKey, "--secret", SecretKey, "--region", Region, "--health", "/health", "--quiet", "--keep-alive"}
	if s.tls {
		args = append(args, "--cert", s.certificate(), "--key", s.key())
	}
	s.cmd = exec.Command(path, append(args, "posix", "--sidecar", s.metadata(), filepath.Join(s.dir, "data"))...)
	s.cmd.Env = []string{"PATH=/usr/bin:/bin"}
	s.cmd.SysProcAttr = endWithParent()
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	s.cmd.WaitDelay = 10 * time.Second
	if err := s.cmd.Start(); err != nil {
		return err
	}
	ended, cmd := make(chan struct{}), s.cmd
	s.ended = ended
	go func() { defer close(ended); _ = cmd.Wait() }()
	return s.await(ctx)
}

// find looks for the server: on the path, then where go install puts it.
func find() (string, error) {
	if path, err := exec.LookPath("versitygw"); err == nil {
		return path, nil
	}
	folders := filepath.SplitList(os.Getenv("GOPATH"))
	if home, err := os.UserHomeDir(); err == nil {
		folders = append(folders, filepath.Join(home, "go"))
	}
	for _, folder := range folders {
		if path, err := exec.LookPath(filepath.Join(folder, "bin", "versitygw")); err == nil {
			return path, nil
		}
	}
	return "", ErrNotInstalled
}

func (s *Server) await(ctx context.Context) error {
	for {
		if s.healthy(ctx) {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("versitygw ended by itself:\n%s", s.log.text())
		case <-ctx.Done():
			s.Kill()
			return fmt.Errorf("versitygw is not ready: %w\n%s", ctx.Err(), s.log.text())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) healthy(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/health", nil)
	if err != nil {
		return false
	}
	// Whether it is up is all that this asks.
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return false
	}
	return answer.StatusCode == http.StatusOK && answer.Body.Close() == nil
}

// Addr is host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// URL is the endpoint.
func (s *Server) URL() string {
	if s.tls {
		return "https://" + s.Addr()
	}
	return "http://" + s.Addr()
}

// PID is the process id of the server.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Kill ends the server at once, as a crash would, and returns when it is gone.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // gone already is as good
	<-s.ended
}

// output is what a server has printed.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(p)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}
