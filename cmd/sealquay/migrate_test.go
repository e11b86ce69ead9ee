package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func migrate(t *testing.T, args ...string) (status int, report migrateReport, err string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = run(append([]string{"migrate", "--json"}, args...), console{strings.NewReader(""), &stdout, &stderr})
	if stdout.Len() > 0 {
		if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
			t.Fatalf("%v\n%s", err, stdout.Bytes())
		}
	}
	return status, report, stderr.String()
}

// A client of the seed's server goes on with its id: 1101, 1103, 1104.
func TestAClientOfTheSeedsServerKeepsItsID(t *testing.T) {
	const id = "0123456789abcdef0123456789abcde0"
	dir := t.TempDir()
	status, report, complaint := migrate(t, "--from-seed", "../../internal/seed/testdata/good", "--data-dir", dir)
	if status != 0 || report.Clients != 2 || report.Files != 4 || len(report.Problems) > 0 {
		t.Fatalf("status %d, %+v\n%s", status, report, complaint)
	}
	server := startTestServerIn(t, dir)
	folder := sendFolder(t, server.addr.String(), "Michael Jackson", "digits")
	writeFile(t, folder, "me.info", meInfo(t, "Michael Jackson", id))
	if status, out, err := send(t, "--dir", folder); status != 0 || !strings.Contains(out, "acknowledged") {
		t.Fatalf("status %d\n%s%s", status, out, err)
	}
	if _, err := os.Stat(filepath.Join(server.dir, "files", id, "digits")); err != nil {
		t.Error(err)
	}
}

// meInfo is a client's me.info with a key that fits, and an id of choice.
func meInfo(t *testing.T, name, id string) string {
	t.Helper()
	other := startTestServer(t)
	folder := sendFolder(t, other.addr.String(), "somebody", "digits")
	if status, _, err := send(t, "--dir", folder); status != 0 {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "me.info"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitN(string(text), "\n", 3)
	return name + "\n" + id + "\n" + lines[2]
}

func TestMigrateFromAnotherDataDirectory(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	server := startTestServerIn(t, from)
	folder := sendFolder(t, server.addr.String(), "ann", "digits")
	if status, _, err := send(t, "--dir", folder); status != 0 {
		t.Fatal(err)
	}
	if status, _, err := migrate(t, "--from", server.dir, "--data-dir", to); status != 1 || !strings.Contains(err, "stop it first") {
		t.Errorf("while the server runs: status %d\n%s", status, err)
	}
	server.stop(t)
	if status, report, err := migrate(t, "--from", server.dir, "--data-dir", to); status != 0 || report.Clients != 1 || report.Files != 1 {
		t.Errorf("status %d, %+v\n%s", status, report, err)
	}
	var stdout, stderr bytes.Buffer
	if status := run([]string{"check", "--deep", "--data-dir", to}, console{strings.NewReader(""), &stdout, &stderr}); status != 0 {
		t.Errorf("check: status %d\n%s%s", status, &stdout, &stderr)
	}
}

func TestMigrateTellsWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"no source":    {nil, 2, "--from"},
		"two sources":  {[]string{"--from", "a", "--from-seed", "b"}, 2, "--from"},
		"nothing":      {[]string{"--from", t.TempDir()}, 1, "no server has stored anything"},
		"no server.db": {[]string{"--from-seed", t.TempDir()}, 1, "server.db"},
		"misfits":      {[]string{"--from-seed", "../../internal/seed/testdata/hostile"}, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, err := migrate(t, append(test.args, "--data-dir", t.TempDir())...)
			if status != test.status || !strings.Contains(err, test.want) {
				t.Errorf("status %d, want %d\n%s", status, test.status, err)
			}
		})
	}
}
