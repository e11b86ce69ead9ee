package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// tracedCalls returns the system calls of a server that starts, receives a file
// and drains, as a user without privileges. Calls that are as frequent as they
// are harmless are not traced.
func tracedCalls(t *testing.T) []string {
	t.Helper()
	needRoot(t)
	folder, binary := t.TempDir(), filepath.Join(build(t), "sealquay")
	trace := filepath.Join(folder, "trace")
	// -D leaves the server as the child of the test, which signals it.
	cmd := exec.Command("strace", "-D", "-f", "-q", "--seccomp-bpf", "-e", "trace=!futex,nanosleep,read,write,epoll_pwait", "-o", trace, binary, "serve", "--port", "0", "--data-dir", filepath.Join(folder, "data"))
	cmd.Dir = folder
	cmd.SysProcAttr = asNobody(t, folder)
	cmd.Env = append(os.Environ(), "SEALQUAY_ADMIN_ADDRESS=")
	port, end := startServer(t, cmd)
	send(t, binary, folder, port)
	end()
	called := regexp.MustCompile(`^\d+ +(\w+)\(`)
	var calls []string
	for line := range strings.Lines(read(t, trace)) {
		if m := called.FindStringSubmatch(line); m != nil && !slices.Contains(calls, m[1]) {
			calls = append(calls, m[1])
		}
	}
	if !slices.Contains(calls, "accept4") {
		t.Fatalf("the trace shows no server: %q", calls)
	}
	return calls
}

// asNobody makes a process one of a user that owns the folder and nothing else.
func asNobody(t *testing.T, folder string) *syscall.SysProcAttr {
	t.Helper()
	for at := folder; at != os.TempDir(); at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(folder, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

// nobody is a user without privileges; it need not have a name.
const nobody = 65532

// send has a client send a file to the server.
func send(t *testing.T, binary, folder, port string) {
	t.Helper()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	output(t, binary, "send", "--dir", folder, "--server", "127.0.0.1:"+port, "--name", "alice", file)
}
