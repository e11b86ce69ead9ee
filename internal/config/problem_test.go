package config

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Each file of testdata/problems holds a config.json and every problem that Load finds in it.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/problems/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		content, want := string(archive.Files[0].Data), strings.TrimSpace(string(archive.Files[1].Data))
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Chdir(t.TempDir())
			for name, form := range map[string]string{
				"as it is": content,
				"CRLF":     strings.ReplaceAll(content, "\n", "\r\n"),
				"with BOM": byteOrderMark + content,
			} {
				write(t, DefaultFile, form)
				c, _, err := Load(Options{})
				if c != nil || err == nil || err.Error() != want {
					t.Errorf("%s:\n%v\nwant\n%s", name, err, want)
				}
			}
		})
	}
}

func TestInvalidUTF8IsRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, DefaultFile, "{\n\"data_dir\": \"ä\xff\"}")
	_, _, err := Load(Options{})
	if err == nil || err.Error() != `config.json:2:15: not JSON: invalid UTF-8` {
		t.Errorf("got %v", err)
	}
}

// A wrong environment variable or flag is named as the user wrote it.
func TestProblemsOutsideFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	_, _, err := Load(Options{
		Environ: []string{"SEALQUAY_LOG_LEVEL=loud", "SEALQUAY_WORKERS=", "SEALQUAY_DATA_DIR=\xff", "SEALQUAY_PROXY_PROTOCOL_FROM=10.0.0.0/8, x"},
		Flags:   []Flag{{"--ip", "server_ip_address", "localhost"}, {"--wrokers", "wrokers", "1"}},
	})
	want := []Problem{
		{File: Environment, Key: "SEALQUAY_LOG_LEVEL", Found: `"loud"`, Allowed: `one of "debug", "info", "warn", "error"`},
		{File: Environment, Key: "SEALQUAY_WORKERS", Found: `""`, Allowed: "an integer from 0 to 1024"},
		{File: Environment, Key: "SEALQUAY_DATA_DIR", Found: `"\xff"`, Allowed: "a path"},
		{File: Environment, Key: "SEALQUAY_PROXY_PROTOCOL_FROM", Found: `"x"`, Allowed: `networks like "10.0.0.0/8" or "fd00::/8", without host bits`},
		{File: CommandLine, Key: "--ip", Found: `"localhost"`, Allowed: "an IPv4 or IPv6 address"},
		{File: CommandLine, Key: "wrokers", Found: "unknown key", Nearest: "workers"},
	}
	wrong, ok := errors.AsType[*Error](err)
	if !ok || len(wrong.Problems) != len(want) {
		t.Fatalf("got %v", err)
	}
	for i, p := range wrong.Problems {
		if p != want[i] {
			t.Errorf("got %+v, want %+v", p, want[i])
		}
	}
}

// Marks and budget are compared to the byte; a clash names the variable or flag that the user can change.
func TestRelations(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct{ low, high, budget, problem string }{
		{"64KiB", "8MiB", "8MiB", ""},
		{"65535", "64KiB", "8MiB", ""},
		{"64KiB", "64KiB", "8MiB", "SEALQUAY_CONNECTION_LOW_MARK: found 64KiB; allowed: less than connection_high_mark, which is 64KiB (environment SEALQUAY_CONNECTION_HIGH_MARK)"},
		{"64KiB", "8388609", "8MiB", "SEALQUAY_CONNECTION_HIGH_MARK: found 8388609; allowed: at most memory_budget, which is 8MiB (command line --budget)"},
	} {
		_, _, err := Load(Options{
			Environ: []string{"SEALQUAY_CONNECTION_LOW_MARK=" + c.low, "SEALQUAY_CONNECTION_HIGH_MARK=" + c.high},
			Flags:   []Flag{{"--budget", "memory_budget", c.budget}},
		})
		if c.problem == "" && err != nil || c.problem != "" && (err == nil || err.Error() != "environment: "+c.problem) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"memory_budget", "max_uploads", "max_upload_size", "log"}
	for _, c := range []struct{ key, want string }{
		{"memory_budgte", "memory_budget"},
		{"memory-budget", "memory_budget"},
		{"memory", ""},
		{"max_upload", "max_uploads"},
		{"max_uplod_size", "max_upload_size"},
		{"lgo", "log"},
		{"lag", "log"},
		{"gol", ""},
		{"", ""},
		{strings.Repeat("memory_budget", 1000), ""},
	} {
		if got := nearest(c.key, known); got != c.want {
			t.Errorf("nearest(%.20q) = %q, want %q", c.key, got, c.want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "acb", 1},
		{"abc", "ab", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3},
	} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
