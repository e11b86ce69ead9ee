package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFollow sees lines as they are written, through a rotation, until it is
// interrupted.
func TestFollow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.log")
	line := func(addr string) string {
		return `{"level":"info","ts":"2026-11-23T10:00:00.000000Z","event":"server.ready","msg":"Server is ready","addr":"` + addr + `"}` + "\n"
	}
	put := func(addr string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(line(addr)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	put("first")
	read, write := io.Pipe()
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		follow := logsShowCommand{logsInput: logsInput{Files: []string{path}}, Follow: true, JSON: true}
		ended <- follow.Run(ctx, console{out: write, err: io.Discard})
	}()
	seen := bufio.NewReader(read)
	expect := func(addr string) {
		t.Helper()
		got, err := seen.ReadString('\n')
		if err != nil || got != line(addr) {
			t.Fatalf("got %q, %v; want %s", got, err, addr)
		}
	}
	expect("first")
	put("second")
	expect("second")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	put("third")
	expect("third")
	interrupt()
	if err := <-ended; err != nil {
		t.Errorf("it ended by %v", err)
	}
}

// TestFlagsOfLogs holds that a condition may have commas, and that several
// conditions must all hold.
func TestFlagsOfLogs(t *testing.T) {
	var out strings.Builder
	in := strings.NewReader(`{"op":"a,b","status":1}` + "\n" + `{"op":"a,b","status":2}` + "\n")
	status := run([]string{"logs", "--json", "--where", `op="a,b"`, "--where", "status=2"}, console{in, &out, io.Discard})
	if status != 0 || out.String() != `{"op":"a,b","status":2}`+"\n" {
		t.Errorf("status %d:\n%s", status, out.String())
	}
}

// TestInputIsShownAtOnce pipes lines in, one after the other has been shown.
func TestInputIsShownAtOnce(t *testing.T) {
	in, lines := io.Pipe()
	shown, out := io.Pipe()
	ended := make(chan error)
	go func() {
		show := logsShowCommand{JSON: true}
		ended <- show.Run(t.Context(), console{in, out, io.Discard})
	}()
	seen := bufio.NewReader(shown)
	for _, line := range []string{"{\"a\":1}\n", "{\"a\":2}\n"} {
		if _, err := io.WriteString(lines, line); err != nil {
			t.Fatal(err)
		}
		if got, err := seen.ReadString('\n'); err != nil || got != line {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if err := lines.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
