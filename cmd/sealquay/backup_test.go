package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/codec"
)

// TestBackupAndRestore does what docs/BACKUP.md says, with a file replaced and
// one verified between the copy of the database and that of the content.
func TestBackupAndRestore(t *testing.T) {
	server := startTestServer(t)
	id := sendAs(t, server, "alice", nil, map[string]string{"kept": "kept", "replaced": "old"})
	backup := t.TempDir()

	data, err := os.Open(server.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(data.Fd()), unix.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	succeed(t, "db", "backup", "--data-dir", server.dir, filepath.Join(backup, "sealquay.db"))
	sendAs(t, server, "alice", id, map[string]string{"replaced": "new", "late": "late"})
	copyContent(t, server.dir, backup)
	if err := data.Close(); err != nil {
		t.Fatal(err)
	}
	_, found := command("check", "--deep", "--data-dir", backup)
	if strays := strings.Count(found, "stray"); strays != 2 || !strings.Contains(found, " 2 problems") {
		t.Errorf("the copy has more than two strays, the late file and what replaced:\n%s", found)
	}
	sendAs(t, server, "alice", id, map[string]string{"replaced": "after the backup"})
	server.stop(t)

	restored := startTestServerIn(t, backup)
	if got, want := contentOf(t, restored, "replaced"), "old"; got != want {
		t.Errorf("the replaced file holds %q after the restore, want %q", got, want)
	}
	sendAs(t, restored, "alice", id, map[string]string{"after": "after"})
	list := succeed(t, "files", "list", "--verified", "--data-dir", backup)
	for _, name := range []string{"kept", "replaced", "after"} {
		if !strings.Contains(list, " "+name+" ") {
			t.Errorf("%s is not there after the restore:\n%s", name, list)
		}
	}
	restored.stop(t)
	succeed(t, "check", "--deep", "--data-dir", backup)
}

// sendAs sends files as a client, which registers when it has no id yet.
func sendAs(t *testing.T, s *testServer, name string, id *codec.ClientID, files map[string]string) *codec.ClientID {
	t.Helper()
	session, err := client.Dial(t.Context(), client.Options{Server: s.addr.String()})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if id == nil {
		registered, err := session.Register(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		id = &registered
	}
	session.Resume(*id)
	key, err := client.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.ExchangeKey(t.Context(), name, key); err != nil {
		t.Fatal(err)
	}
	for file, text := range files {
		f := client.File{Name: file, Size: int64(len(text)), Content: strings.NewReader(text)}
		if _, err := session.Send(t.Context(), f, nil); err != nil {
			t.Fatal(err)
		}
	}
	return id
}

// contentOf returns what is stored under the path that the list shows.
func contentOf(t *testing.T, s *testServer, file string) string {
	t.Helper()
	var files []struct {
		FileName string `json:"file_name"`
		Path     string `json:"path"`
	}
	if err := json.Unmarshal([]byte(succeed(t, "files", "list", "--json", "--data-dir", s.dir)), &files); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.FileName == file {
			text, err := os.ReadFile(f.Path)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
	}
	t.Fatalf("%s is not listed", file)
	return ""
}

// copyContent copies what is new, as rsync does.
func copyContent(t *testing.T, from, to string) {
	t.Helper()
	for _, folder := range []string{"files", "versions"} {
		err := filepath.WalkDir(filepath.Join(from, folder), func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(from, path)
			if err != nil {
				return err
			}
			if target := filepath.Join(to, relative); d.IsDir() {
				return os.MkdirAll(target, 0o700)
			} else if content, err := os.ReadFile(path); err != nil {
				return err
			} else {
				return os.WriteFile(target, content, 0o600)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// command runs a command line and returns its exit status and what it printed.
func command(args ...string) (status int, printed string) {
	var out bytes.Buffer
	status = run(args, console{in: strings.NewReader(""), out: &out, err: &out})
	return status, out.String()
}

func succeed(t *testing.T, args ...string) string {
	t.Helper()
	status, out := command(args...)
	if status != 0 {
		t.Fatalf("sealquay %s: status %d\n%s", strings.Join(args, " "), status, out)
	}
	return out
}
