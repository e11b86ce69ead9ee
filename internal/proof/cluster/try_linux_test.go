package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealquay/sealquay/client"
)

// TestUp runs deploy/cluster/up as a person does: the cluster takes a file, the
// environment it prints leads to the storage, and Ctrl-C leaves no process and
// no file.
func TestUp(t *testing.T) {
	if testing.Short() || raced {
		t.Skip("builds and starts servers, all of them other processes")
	}
	dir, err := os.MkdirTemp("", "sealquay-up-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL runs as another user
		t.Fatal(err)
	}
	up := exec.Command("../../../deploy/cluster/up")
	up.Env = append(os.Environ(), "TMPDIR="+dir)
	up.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var complaint bytes.Buffer
	up.Stderr = &complaint
	out, err := up.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	ctrlC := func() { _ = syscall.Kill(-up.Process.Pid, syscall.SIGINT) } // the group of a child that is not waited for
	limit := time.AfterFunc(3*time.Minute, ctrlC)
	defer limit.Stop()
	addr, environment := readUp(out)
	if addr != "" {
		sendOne(t, addr)
		listed, err := exec.Command("sh", "-c", environment+programOf(t, dir)+" files list").CombinedOutput()
		if err != nil || !bytes.Contains(listed, []byte("hello.txt")) {
			t.Errorf("files list: %v\n%s", err, listed)
		}
	}
	ctrlC()
	_, _ = io.Copy(io.Discard, out) // until the last of its processes is gone
	err = up.Wait()
	if addr == "" {
		skipWithout(t, errors.New(complaint.String()))
		t.Fatalf("it did not come up: %v\n%s", err, complaint.String())
	}
	if left := processesOf(t, dir); len(left) > 0 {
		t.Errorf("processes are left: %q", left)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("files are left: %q, %v", left, err)
	}
}

// readUp reads what is printed until everything runs: where clients connect,
// and the lines of shell that lead to the storage.
func readUp(out io.Reader) (addr, environment string) {
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != tryEnd {
		if at, ok := strings.CutPrefix(lines.Text(), "clients "); ok {
			addr = strings.TrimSpace(at)
		}
		if strings.HasPrefix(lines.Text(), "  export ") {
			environment += lines.Text() + "\n"
		}
	}
	return addr, environment
}

func sendOne(t *testing.T, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	key, err := client.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	s, err := client.Dial(ctx, client.Options{Server: addr})
	if err != nil {
		t.Error(err)
		return
	}
	defer s.Close()
	if _, err = s.Register(ctx, "anna"); err == nil {
		err = s.ExchangeKey(ctx, "anna", key)
	}
	if err == nil {
		_, err = s.Send(ctx, client.File{Name: "hello.txt", Size: 5, Content: strings.NewReader("hello")}, nil)
	}
	if err != nil {
		t.Error(err)
	}
}

// programOf is the program that the cluster below dir runs.
func programOf(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", "program", "sealquay"))
	if err != nil || len(found) != 1 {
		t.Errorf("found %q, %v", found, err)
		return "false"
	}
	return found[0]
}

// processesOf are those whose command line names a folder.
func processesOf(t *testing.T, dir string) (found []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		line, err := os.ReadFile(path)
		if err == nil && bytes.Contains(line, []byte(dir)) {
			found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte(" "))))
		}
	}
	return found
}
