package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealquay/sealquay/persistence"
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

// TestMigrateKeepsTheQuotas: the target's servers may run meanwhile, so what they
// count is counted all the time.
func TestMigrateKeepsTheQuotas(t *testing.T) {
	t.Setenv("SEALQUAY_QUOTA_CLIENT_FILES", "1")
	dir := t.TempDir()
	status, report, complaint := migrate(t, "--from-seed", "../../internal/seed/testdata/good", "--data-dir", dir)
	if status != 1 || report.Files != 2 || len(report.Problems) != 2 {
		t.Errorf("status %d, %+v\n%s", status, report, complaint)
	}
	store, err := persistence.OpenReadOnly(t.Context(), persistence.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for client, err := range store.Clients(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if files, _, ok, err := store.ClientUsage(t.Context(), client.ID); !ok || files != 1 || err != nil {
			t.Errorf("%s has %d files, counted %v, %v", client.Name, files, ok, err)
		}
	}
}

// TestMigrateShowsHowFarItIs where nobody looks at a terminal.
func TestMigrateShowsHowFarItIs(t *testing.T) {
	var lines bytes.Buffer
	show := &migrateDisplay{to: &lines, every: time.Hour}
	for n := range int64(5) {
		show.progress(persistence.MoveProgress{Files: n, AllFiles: 4, Bytes: n << 20})
	}
	if want := "0 of 4 files, 0 MiB\n4 of 4 files, 4 MiB\n"; lines.String() != want {
		t.Errorf("with an hour between:\n%swant\n%s", &lines, want)
	}
	lines.Reset()
	show.every = 0
	for n := range int64(3) {
		show.progress(persistence.MoveProgress{Files: n, AllFiles: 4})
	}
	if got := strings.Count(lines.String(), "\n"); got != 3 {
		t.Errorf("without a pause: %d lines, want 3\n%s", got, &lines)
	}
	_, _, complaint := migrate(t, "--from-seed", "../../internal/seed/testdata/good", "--data-dir", t.TempDir())
	if !strings.HasPrefix(complaint, "1 of 4 files") || !strings.Contains(complaint, "\n4 of 4 files") {
		t.Errorf("the command said\n%s", complaint)
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
