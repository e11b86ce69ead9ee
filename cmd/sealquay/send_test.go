package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// send runs the command in a folder of its own and returns its exit status and
// what it printed.
func send(t *testing.T, args ...string) (status int, out, err string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = run(append([]string{"send"}, args...), console{strings.NewReader(""), &stdout, &stderr})
	return status, stdout.String(), stderr.String()
}

// sendFolder makes a folder with a transfer.info and some files.
func sendFolder(t *testing.T, server, name, file string) string {
	t.Helper()
	folder := t.TempDir()
	writeFile(t, folder, "transfer.info", fmt.Sprintf("%s\r\n%s\r\n%s", server, name, file))
	writeFile(t, folder, "digits", "123456789")
	writeFile(t, folder, "empty", "")
	return folder
}

func writeFile(t *testing.T, folder, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The CRC-32 of 123456789 is cbf43926.
func TestSend(t *testing.T) {
	server := startTestServer(t)
	folder := sendFolder(t, server.addr.String(), "ann", "digits")
	digits, empty := filepath.Join(folder, "digits"), filepath.Join(folder, "empty")

	for _, runs := range []string{"first", "second"} {
		status, out, err := send(t, "--dir", folder)
		if want := "acknowledged  " + digits + ": 9 bytes, crc32 cbf43926, tries: 1\n"; status != 0 || out != want {
			t.Errorf("%s run: status %d\n%s\nwant:\n%s\n%s", runs, status, out, want, err)
		}
		if want := "sending " + digits + ": 9 bytes\n"; strings.Count(err, "not authenticated") != 1 || !strings.HasSuffix(err, want) {
			t.Errorf("%s run: standard error:\n%s", runs, err)
		}
	}
	for _, dialect := range []string{"documented", "seed"} {
		status, out, err := send(t, "--dir", folder, "--dialect", dialect, empty, digits)
		if status != 0 || strings.Count(out, "acknowledged  ") != 2 {
			t.Errorf("%s: status %d\n%s%s", dialect, status, out, err)
		}
	}
	if status, out, err := send(t, "--dir", t.TempDir(), "--server", server.addr.String(), "--name", "bob", empty); status != 0 {
		t.Errorf("flags alone: status %d\n%s%s", status, out, err)
	}
}

// Many files go over several connections, and all are told of in their order.
func TestSendInParallel(t *testing.T) {
	server := startTestServer(t)
	folder := sendFolder(t, server.addr.String(), "ann", "digits")
	args, want := []string{"--dir", folder, "--parallel", "3"}, ""
	for i := range 30 {
		name := fmt.Sprint("file ", i)
		writeFile(t, folder, name, strings.Repeat(name, 1000*i))
		path := filepath.Join(folder, name)
		args, want = append(args, path), want+fmt.Sprintf("acknowledged  %s: %d bytes", path, 1000*i*len(name))+"\n"
	}
	status, out, err := send(t, args...)
	if short := regexp.MustCompile(", crc32 [0-9a-f]{8}, tries: 1").ReplaceAllString(out, ""); status != 0 || short != want {
		t.Errorf("status %d\n%s\nwant:\n%s\n%s", status, out, want, err)
	}
	if n := strings.Count(err, "sending "); n != 30 {
		t.Errorf("%d files are told of:\n%s", n, err)
	}
	if n := len(server.awaitLines(t, "conn.close", 3)); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
	server.checkStored(t, "ann", "file 29", []byte(strings.Repeat("file 29", 29000)))
	server.checkLog(t)
}

func TestSendFails(t *testing.T) {
	server := startTestServer(t)
	folder := sendFolder(t, server.addr.String(), "ann", "missing")
	digits := filepath.Join(folder, "digits")
	if status, _, err := send(t, "--dir", folder, digits); status != 0 {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		args   []string
		status int
		err    []string
	}{
		{"no such file", []string{"--dir", folder}, 1, []string{"no such file", "hint: Only regular files"}},
		{"no settings", []string{"--dir", t.TempDir()}, 1, []string{"address of a server", "hint: transfer.info has three lines"}},
		{"name taken", []string{"--dir", t.TempDir(), "--server", server.addr.String(), "--name", "ann", digits}, 1, []string{"hint: Choose another name"}},
		{"none at once", []string{"--parallel", "0", digits}, 1, []string{"--parallel 0: want 1 to 32"}},
		{"too many at once", []string{"--dir", folder, "--parallel", "33", digits}, 1, []string{"33 files at once: want 1 to 32"}},
		{"unknown flag", []string{"--nothing"}, 2, []string{"--nothing"}},
		{"unknown dialect", []string{"--dialect", "klingon"}, 2, []string{"klingon"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, out, err := send(t, test.args...)
			if status != test.status {
				t.Errorf("status %d, want %d\n%s%s", status, test.status, out, err)
			}
			for _, want := range test.err {
				if !strings.Contains(err, want) {
					t.Errorf("standard error:\n%s\nwant %q in it", err, want)
				}
			}
			if strings.Contains(out, "acknowledged") {
				t.Errorf("standard output:\n%s", out)
			}
		})
	}
}

func TestLineDisplayTellsTries(t *testing.T) {
	var out bytes.Buffer
	d := newDisplay(&out)
	for _, step := range []struct {
		path string
		sent int64
	}{{"a", 0}, {"b\x1b[2J", 0}, {"a", 5}, {"a", 0}, {"a", 5}} {
		d.progress(step.path, step.sent, 5)
	}
	d.end()
	want := "sending a: 5 bytes\nsending \"b\\x1b[2J\": 5 bytes\nsending a again: the CRC was wrong, try 2\n"
	if out.String() != want {
		t.Errorf("printed:\n%s\nwant:\n%s", out.String(), want)
	}
}
