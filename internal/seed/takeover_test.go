package seed

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealquay/sealquay/persistence"
)

func newStore(t *testing.T) *persistence.Store {
	t.Helper()
	s, err := persistence.Open(t.Context(), persistence.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func takeOver(t *testing.T, dir string, to *persistence.Store, options persistence.MoveOptions) persistence.MoveReport {
	t.Helper()
	report, err := TakeOver(t.Context(), dir, to, options)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestTakeOver(t *testing.T) {
	s := newStore(t)
	if dry := takeOver(t, "testdata/good", s, persistence.MoveOptions{DryRun: true}); dry.Clients != 2 || dry.Files != 4 || len(dry.Problems) > 0 {
		t.Errorf("dry run: %+v", dry)
	}
	if dry := takeOver(t, "testdata/good", s, persistence.MoveOptions{}); dry.Clients != 2 || dry.Files != 4 || len(dry.Problems) > 0 {
		t.Errorf("%+v, want 2 clients, 4 files", dry)
	}
	if again := takeOver(t, "testdata/good", s, persistence.MoveOptions{}); again.Clients != 0 || again.Files != 0 || again.Present != 4 {
		t.Errorf("again: %+v, want nothing to do", again)
	}
	id, _ := persistence.ParseClientID("0123456789abcdef0123456789abcde0")
	client, err := s.Client(t.Context(), id)
	if err != nil || client.Name != "Michael Jackson" || len(client.PublicKey) != persistence.PublicKeySize || client.PublicKey[159] != 159 {
		t.Errorf("client %+v, %v", client, err)
	}
	if want := time.Date(2026, 11, 23, 14, 31, 26, 0, time.Local); !client.LastSeen.Equal(want) {
		t.Errorf("last seen %v, want %v", client.LastSeen, want)
	}
	want := map[string]string{"a.txt": "the first file", "b.txt": "the second file", "posix.txt": "123456789", "empty": ""}
	for file, err := range s.Files(t.Context(), persistence.FileFilter{Verified: true}) {
		if err != nil {
			t.Fatal(err)
		}
		content, err := s.Content(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		found, err := io.ReadAll(content)
		if err != nil || string(found) != want[file.FileName] || content.Close() != nil {
			t.Errorf("%s holds %q, %v, want %q", file.FileName, found, err, want[file.FileName])
		}
		delete(want, file.FileName)
	}
	if len(want) > 0 {
		t.Errorf("not there: %v", want)
	}
}

func TestWhatDoesNotFitIsListedAndLeft(t *testing.T) {
	before := contentsOf(t, "testdata/hostile/server.db")
	s := newStore(t)
	report := takeOver(t, "testdata/hostile", s, persistence.MoveOptions{})
	if report.Clients != 2 || report.Files != 1 {
		t.Errorf("%d clients, %d files, want 2 and 1", report.Clients, report.Files)
	}
	var found []string
	for _, p := range report.Problems {
		name := p.Client
		if p.FileName != "" {
			name = p.FileName
		}
		found = append(found, name[:min(len(name), 20)]+": "+p.Reason)
	}
	slices.Sort(found)
	want := []string{
		"..: the content has the CRC-32", "absolute: the path", "anna: client", "bad id: client id", "crc.txt: the CRC",
		"differs.txt: the content has", "folder: ", "link: ", "missing.txt: there is no file", "nnnnnnnnnnnnnnnnnnnn: client name",
		"of an empty id: client id", "of nobody.txt: its client", "outside: the path", "rejected.txt: the client has never",
		"short key: last seen", "short key: the public key has 5 bytes",
	}
	if len(found) != len(want) {
		t.Fatalf("%d problems, want %d:\n%s", len(found), len(want), strings.Join(found, "\n"))
	}
	for i := range want {
		if !strings.HasPrefix(found[i], want[i]) {
			t.Errorf("problem %q, want %q…", found[i], want[i])
		}
	}
	if !bytes.Equal(before, contentsOf(t, "testdata/hostile/server.db")) {
		t.Error("the old database was changed")
	}
}

func contentsOf(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestNothingIsThere(t *testing.T) {
	if _, err := TakeOver(t.Context(), t.TempDir(), newStore(t), persistence.MoveOptions{}); err == nil || !strings.Contains(err.Error(), "server.db") {
		t.Errorf("%v, want an error that names server.db", err)
	}
}
