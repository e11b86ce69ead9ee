package deploy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// output runs a program, which must succeed, and returns what it prints.
func output(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out.String(), complaint.String())
	}
	return out.String()
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// needRoot passes a test over that changes roots and users.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs to be root")
	}
}

// built is what package/build makes, once for all tests.
var built = struct {
	once   sync.Once
	folder string
	said   []byte
	err    error
}{}

// build returns the folder of the binary and the packages.
func build(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.folder, built.err = os.MkdirTemp("", "sealquay-deploy-"); built.err != nil {
			return
		}
		if built.err = os.Chmod(built.folder, 0o755); built.err != nil {
			return
		}
		cmd := exec.Command("package/build", built.folder)
		cmd.Env = append(os.Environ(), "VERSION=v0.0.1")
		built.said, built.err = cmd.CombinedOutput()
	})
	if built.err != nil {
		t.Fatalf("package/build: %v\n%s", built.err, built.said)
	}
	return built.folder
}

func TestMain(m *testing.M) {
	status := m.Run()
	if built.folder != "" {
		_ = os.RemoveAll(built.folder)
	}
	os.Exit(status)
}

// one returns the path of the only file that matches.
func one(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s matches %d files, want one: %v", pattern, len(found), err)
	}
	return found[0]
}

// awaitReady reads a server's log until it is ready, and returns its port. The
// rest of the log is read and dropped.
func awaitReady(t *testing.T, log io.Reader) (port string) {
	t.Helper()
	lines, seen := bufio.NewScanner(log), ""
	for lines.Scan() {
		seen += lines.Text() + "\n"
		var line struct{ Event, Addr string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Event == "server.ready" {
			go io.Copy(io.Discard, log)
			return line.Addr[strings.LastIndex(line.Addr, ":")+1:]
		}
	}
	t.Fatalf("the server ended before it was ready:\n%s", seen)
	return ""
}

// startServer starts cmd, a server on a free port that logs to standard error.
// The function it returns ends it, which must go well.
func startServer(t *testing.T, cmd *exec.Cmd) (port string, end func()) {
	t.Helper()
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	t.Cleanup(func() {
		if !ended {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	port = awaitReady(t, log)
	return port, func() {
		ended = true
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with: %v", err)
		}
	}
}

// eventually waits until something holds, for as long as a busy machine may take.
func eventually(t *testing.T, holds func() bool, otherwise func() string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(otherwise())
		}
	}
}
