package persistence

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// contentOf reads the verified content of a name; "" when there is none.
func contentOf(t testing.TB, s *Store, name string) string {
	t.Helper()
	for file, err := range s.Files(t.Context(), FileFilter{Verified: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if file.FileName == name {
			from, err := s.Content(t.Context(), file)
			if err != nil {
				t.Fatal(err)
			}
			defer from.Close()
			content, err := io.ReadAll(from)
			if err != nil {
				t.Fatal(err)
			}
			return string(content)
		}
	}
	return ""
}

func verifyNew(t testing.TB, s *Store, id ClientID, name, content string) {
	t.Helper()
	if err := receive(t, s, id, name, []byte(content)).Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestVerifiedFileStaysUntilTheNextIsVerified(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	id := register(t, s, "anna")
	verifyNew(t, s, id, "a.txt", "first")
	before := onlyFile(t, s)
	second := receive(t, s, id, "a.txt", []byte("second"))
	if after := onlyFile(t, s); after != before || contentOf(t, s, "a.txt") != "first" {
		t.Errorf("row %+v, want %+v", after, before)
	}
	third := receive(t, s, id, "a.txt", []byte("third"))
	if err := third.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a late 1105, or 1106, of the second
		if err := second.Discard(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := third.Discard(t.Context()); err != nil { // and of what is verified
		t.Error(err)
	}
	if got := contentOf(t, s, "a.txt"); got != "third" {
		t.Errorf("content %q, want third", got)
	}
	if err := second.Verify(t.Context()); !errors.Is(err, ErrUploadState) {
		t.Errorf("verify after discard: %v", err)
	}
}

func TestGivenUpFileStaysUnverified(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	id := register(t, s, "anna")
	if err := receive(t, s, id, "a.txt", []byte("damaged")).Discard(t.Context()); err != nil {
		t.Fatal(err)
	}
	if file := onlyFile(t, s); file.Verified || !file.VerifiedAt.IsZero() {
		t.Errorf("row %+v", file)
	}
	if left, _ := filepath.Glob(filepath.Join(s.options.DataDir, "*", "*", "*")); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

func TestConflictKeepsTheLast(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t), OnConflict: Keep, Keep: 2})
	id := register(t, s, "anna")
	for n := range 5 {
		verifyNew(t, s, id, "a.txt", fmt.Sprint("content ", n))
	}
	var kept []string
	for row, err := range s.versionRows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join(s.options.DataDir, row.PathName))
		if err != nil {
			t.Error(err)
		}
		kept = append(kept, string(content))
	}
	slices.Sort(kept)
	if want := []string{"content 2", "content 3"}; !slices.Equal(kept, want) || contentOf(t, s, "a.txt") != "content 4" {
		t.Errorf("kept %q and %q", kept, contentOf(t, s, "a.txt"))
	}
}

func TestConflictIsRefused(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t), OnConflict: Refuse})
	id := register(t, s, "anna")
	rival := receive(t, s, id, "a.txt", []byte("rival"))
	verifyNew(t, s, id, "a.txt", "first")
	if err := rival.Verify(t.Context()); !errors.Is(err, ErrFileConflict) {
		t.Errorf("verify: %v", err)
	}
	if _, err := s.Begin(t.Context(), id, "a.txt", 16); !errors.Is(err, ErrFileConflict) {
		t.Errorf("begin: %v", err)
	}
	if _, err := s.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	mustAgree(t, s)
	if got := contentOf(t, s, "a.txt"); got != "first" {
		t.Errorf("content %q", got)
	}
}

// mustAgree checks that rows and content agree to the last byte.
func mustAgree(t testing.TB, s *Store) {
	t.Helper()
	report, err := s.Check(t.Context(), CheckOptions{Deep: true})
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("check: %+v, %v", report.Findings, err)
	}
}

func TestNamesThatCannotBeStored(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	id := register(t, s, "anna")
	for _, name := range []string{"", ".", "..", "a/b", `a\b`, "/", "../x", "a\x00b", "\xff", strings.Repeat("n", 255)} {
		if _, err := s.Begin(t.Context(), id, name, 16); !errors.Is(err, ErrInvalidName) {
			t.Errorf("begin %q: %v", name, err)
		}
	}
	for _, name := range []string{"", "a\x00b", "\xff", strings.Repeat("n", 255)} {
		if _, err := s.Register(t.Context(), name); !errors.Is(err, ErrInvalidName) {
			t.Errorf("register %q: %v", name, err)
		}
	}
	if _, err := s.Begin(t.Context(), newClientID(), "a.txt", 16); !errors.Is(err, ErrUnknownClient) {
		t.Errorf("begin for nobody: %v", err)
	}
}

func TestPlantedLinksLeadNowhere(t *testing.T) {
	outside := t.TempDir()
	s := openTest(t, Options{DataDir: fastDir(t)})
	plant := func(target, key string) {
		t.Helper()
		path := filepath.Join(s.options.DataDir, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
	}
	away, within, direct := register(t, s, "away"), register(t, s, "within"), register(t, s, "direct")
	plant(outside, "files/"+away.String())
	plant("../quarantine", "files/"+within.String())
	plant(filepath.Join(outside, "a.txt"), plainKey(direct, "a.txt"))
	for _, id := range []ClientID{away, within} {
		err := receive(t, s, id, "a.txt", []byte("content")).Verify(t.Context())
		if files, _ := os.ReadDir(filepath.Join(s.options.DataDir, "quarantine")); len(files) > 0 {
			t.Errorf("%v: in quarantine %v", err, files)
		}
	}
	verifyNew(t, s, direct, "a.txt", "content")
	if found, _ := os.ReadDir(outside); len(found) > 0 {
		t.Errorf("outside: %v", found)
	}
	if got := contentOf(t, s, "a.txt"); got != "content" {
		t.Errorf("content %q", got)
	}
}

func TestTouchIsWrittenByClose(t *testing.T) {
	directory := fastDir(t)
	s := openTest(t, Options{DataDir: directory})
	id := register(t, s, "anna")
	registered, err := s.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	s.Touch(id)
	s.Touch(newClientID()) // of nobody
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.Touch(id)
	again := openTest(t, Options{DataDir: directory})
	if client, err := again.Client(t.Context(), id); err != nil || !client.LastSeen.After(registered.LastSeen) {
		t.Errorf("last seen %v, at registration %v, %v", client.LastSeen, registered.LastSeen, err)
	}
}

func TestTouchThatFailsIsWrittenLater(t *testing.T) {
	var c crash
	s := openTest(t, Options{DataDir: fastDir(t), Trouble: func(error) {}, database: func(d database) database {
		return crashRows{database: d, crash: &c}
	}})
	id := register(t, s, "anna")
	s.Touch(id)
	c.arm(1)
	if err := s.writeTouched(t.Context()); !errors.Is(err, errCrashed) {
		t.Errorf("write: %v", err)
	}
	c.arm(0)
	if err := s.writeTouched(t.Context()); err != nil {
		t.Error(err)
	}
	if client, err := s.Client(t.Context(), id); err != nil || !client.LastSeen.After(client.Registered) {
		t.Errorf("client %+v, %v", client, err)
	}
}

func TestClientKeepsItsKeyAndChecksum(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	id := register(t, s, "anna")
	key := make([]byte, PublicKeySize)
	key[7] = 7
	for _, err := range []error{offered(s, id, key), s.SetChecksum(t.Context(), id, "cksum")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	client, err := s.Client(t.Context(), id)
	if err != nil || !slices.Equal(client.PublicKey, key) || client.Checksum != "cksum" || client.Name != "anna" {
		t.Errorf("client %+v, %v", client, err)
	}
	for what, err := range map[string]error{
		"short key":       offered(s, id, key[1:]),
		"key of nobody":   offered(s, newClientID(), key),
		"kind of nobody":  s.SetChecksum(t.Context(), newClientID(), "crc32"),
		"kind of nothing": s.SetChecksum(t.Context(), id, "md5"),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func TestOnlyOneProcessHasTheDirectory(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	_, err := Open(t.Context(), Options{DataDir: s.options.DataDir})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), filepath.Join(s.options.DataDir, lockFile)) {
		t.Errorf("second open: %v", err)
	}
	register(t, s, "still working")
}

func TestModesAreForTheOwnerAlone(t *testing.T) {
	s := openTest(t, Options{DataDir: filepath.Join(fastDir(t), "made", "here?a=b%41#c d")})
	verifyNew(t, s, register(t, s, "anna"), "a.txt", "content")
	err := filepath.WalkDir(s.options.DataDir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestReplacedContentCarriesItsName: operators browse the folders; a name that
// does not fit beside the upload's is left out.
func TestReplacedContentCarriesItsName(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	id := register(t, s, "anna")
	for _, name := range []string{"a.txt", strings.Repeat("n", MaxNameSize)} {
		for range 2 {
			verifyNew(t, s, id, name, "content")
		}
		for file, err := range s.Files(t.Context(), FileFilter{}) {
			if err != nil {
				t.Fatal(err)
			}
			carries := strings.HasSuffix(file.PathName, "-"+name)
			if file.FileName == name && carries != (len(name) < 100) {
				t.Errorf("%.20q is stored as %.100q", name, file.PathName)
			}
		}
	}
	mustAgree(t, s)
}
