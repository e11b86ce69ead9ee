package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sealquay/sealquay/internal/proof/port"
)

// ErrNotInstalled means that this machine has no PostgreSQL server.
var ErrNotInstalled = errors.New("PostgreSQL is not installed: apt-get install postgresql-15")

// Server is a PostgreSQL server with a directory of its own. Its methods are
// for one goroutine, but for Database.
type Server struct {
	programs string // folder of postgres and initdb
	dir      string
	port     int
	settings []string
	files    map[string][]byte   // beside its data, for its user alone
	as       *syscall.Credential // nil: as this process
	cmd      *exec.Cmd
	ended    chan struct{}
	log      bytes.Buffer
	made     atomic.Int64 // databases
}

// User is the superuser of a server. It needs no password.
const User = "sealquay"

// Start makes a server below dir, which must be empty and is the server's
// alone, and starts it on a free port of 127.0.0.1. Settings are as in
// postgresql.conf, like "max_connections=200". The caller ends it by Kill or Stop.
func Start(ctx context.Context, dir string, settings ...string) (*Server, error) {
	return start(ctx, &Server{dir: dir, settings: settings})
}

// StartTLS is Start for a server that speaks TLS with those who ask for it, with
// a certificate and its key in PEM.
func StartTLS(ctx context.Context, dir string, certificate, key []byte, settings ...string) (*Server, error) {
	s := &Server{dir: dir, files: map[string][]byte{"server.crt": certificate, "server.key": key}}
	s.settings = append([]string{
		"ssl=on", "ssl_cert_file=" + filepath.Join(dir, "server.crt"), "ssl_key_file=" + filepath.Join(dir, "server.key"),
	}, settings...)
	return start(ctx, s)
}

func start(ctx context.Context, s *Server) (*Server, error) {
	if err := s.find(); err != nil {
		return nil, err
	}
	if err := s.own(); err != nil {
		return nil, err
	}
	initialize := s.command("initdb", "--pgdata", s.data(), "--username", User,
		"--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions")
	if out, err := initialize.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	var err error
	if s.port, err = port.Free(); err != nil {
		return nil, err
	}
	return s, s.Restart(ctx)
}

// find looks for the newest server that is installed.
func (s *Server) find() error {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		path, err := exec.LookPath("initdb")
		if err != nil {
			return ErrNotInstalled
		}
		found = []string{path}
	}
	slices.Sort(found)
	s.programs = filepath.Dir(found[len(found)-1])
	return nil
}

// own gives the directory to a user without privileges, because PostgreSQL
// refuses to run as root.
func (s *Server) own() error {
	paths := []string{s.dir}
	for name, text := range s.files {
		path := filepath.Join(s.dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
		paths = append(paths, path)
	}
	if os.Getuid() != 0 {
		return nil
	}
	const nobody = 65534
	s.as = &syscall.Credential{Uid: nobody, Gid: nobody, NoSetGroups: false}
	for _, path := range paths {
		if err := os.Chown(path, nobody, nobody); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.programs, program), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + s.programs + ":/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"}
	// It ends with this process, whatever ends that.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

// Restart starts a server that was killed or stopped, on the same port, and
// waits until it takes connections.
func (s *Server) Restart(ctx context.Context) error {
	args := []string{"-D", s.data(), "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-k", ""}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	s.cmd = s.command("postgres", args...)
	s.log.Reset()
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

func (s *Server) await(ctx context.Context) error {
	for {
		ready := s.command("pg_isready", "--quiet", "--host", "127.0.0.1", "--port", strconv.Itoa(s.port))
		if ready.Run() == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("PostgreSQL ended by itself:\n%s", s.log.Bytes())
		case <-ctx.Done():
			s.Kill()
			return fmt.Errorf("PostgreSQL is not ready: %w\n%s", ctx.Err(), s.log.Bytes())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Addr is host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// PID is the process id of the server.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// DSN connects to a database of the server, perhaps through a proxy at addr.
func DSN(addr, database string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", User, addr, database)
}

// Kill ends the server and all its processes at once, as a crash would, and
// waits until they are gone.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// Stop ends the server in good order, without waiting for its clients.
func (s *Server) Stop() { s.end(syscall.SIGINT) }

func (s *Server) end(signal syscall.Signal) {
	select {
	case <-s.ended:
		return
	default:
	}
	// The processes of PostgreSQL are its own session leaders but for the
	// first: they go when it is gone. It is not waited for, so its id is its own.
	_ = s.cmd.Process.Signal(signal)
	<-s.ended
}

// Ask runs a statement in a database and returns what it prints.
func (s *Server) Ask(ctx context.Context, database, statement string) (string, error) {
	psql := s.command("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1",
		"--host", "127.0.0.1", "--port", strconv.Itoa(s.port), "--username", User, "--dbname", database, "--command", statement)
	out, err := psql.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("psql: %w\n%s", err, out)
	}
	return string(bytes.TrimSpace(out)), ctx.Err()
}

// Database makes a new database, a copy of the one named template unless that
// is "", and returns its name.
func (s *Server) Database(ctx context.Context, template string) (string, error) {
	name := fmt.Sprintf("test%d", s.made.Add(1))
	statement := "CREATE DATABASE " + name
	if template != "" {
		statement += " TEMPLATE " + template
	}
	_, err := s.Ask(ctx, "postgres", statement)
	return name, err
}
