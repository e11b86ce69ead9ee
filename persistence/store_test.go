package persistence

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// openTest opens a store that is closed with the test.
func openTest(t testing.TB, options Options) *Store {
	t.Helper()
	if options.DataDir == "" {
		options.DataDir = filepath.Join(t.TempDir(), "data")
	}
	if options.Trouble == nil {
		options.Trouble = func(err error) { t.Errorf("trouble in the background: %v", err) }
	}
	s, err := Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	return s
}

func register(t testing.TB, s *Store, name string) ClientID {
	t.Helper()
	id, err := s.Register(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// receive uploads content up to the point where it could be verified.
func receive(t testing.TB, s *Store, id ClientID, name string, content []byte) *Upload {
	t.Helper()
	u, err := s.Begin(t.Context(), id, name, int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := u.Received(t.Context(), sumsOf(content)); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestVerifiedFileIsWhereItsRowSays(t *testing.T) {
	s := openTest(t, Options{})
	id := register(t, s, "anna")
	content := []byte("content")
	if err := receive(t, s, id, "a.txt", content).Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	file := onlyFile(t, s)
	if want := "files/" + id.String() + "/a.txt"; file.PathName != want || !file.Verified || file.VerifiedAt.IsZero() {
		t.Errorf("row %+v, want verified at %s", file, want)
	}
	stored, err := os.ReadFile(filepath.Join(s.options.DataDir, file.PathName))
	if err != nil || !bytes.Equal(stored, content) {
		t.Errorf("stored %q, %v", stored, err)
	}
}

func onlyFile(t testing.TB, s *Store) File {
	t.Helper()
	var files []File
	for file, err := range s.Files(t.Context(), FileFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if len(files) != 1 {
		t.Fatalf("%d files, want 1", len(files))
	}
	return files[0]
}

func TestBackupIsAWholeDatabase(t *testing.T) {
	s := openTest(t, Options{})
	id := register(t, s, "anna")
	if err := receive(t, s, id, "a.txt", []byte("content")).Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	restored := filepath.Join(t.TempDir(), "restored")
	if err := os.Mkdir(restored, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), filepath.Join(restored, databaseFile)); err != nil {
		t.Fatal(err)
	}
	from, err := OpenReadOnly(t.Context(), Options{DataDir: restored})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	if got, want := onlyFile(t, from), onlyFile(t, s); got != want {
		t.Errorf("restored %+v, want %+v", got, want)
	}
}

func TestReadOnlyWhileAnotherHasItAndAfter(t *testing.T) {
	s := openTest(t, Options{})
	id := register(t, s, "anna")
	if err := receive(t, s, id, "a.txt", []byte("content")).Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	look := func() {
		t.Helper()
		r, err := OpenReadOnly(t.Context(), Options{DataDir: s.options.DataDir})
		if err != nil {
			t.Fatal(err)
		}
		if onlyFile(t, r).FileName != "a.txt" {
			t.Error("the file is not seen")
		}
		report, err := r.Check(t.Context(), CheckOptions{Deep: true})
		if err != nil || len(report.Findings) > 0 {
			t.Errorf("check: %+v, %v", report, err)
		}
		if _, err := r.Register(t.Context(), "berta"); !errors.Is(err, ErrReadOnly) {
			t.Errorf("register: %v, want ErrReadOnly", err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	look()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	look()
}

// renewals counts the leases that a store takes.
type renewals struct {
	database
	taken chan struct{}
}

func (r renewals) renew(ctx context.Context, owner string, lease time.Duration) error {
	err := r.database.renew(ctx, owner, lease)
	select {
	case r.taken <- struct{}{}:
	case <-ctx.Done():
	}
	return err
}

// TestCloseIsNoTrouble: what goes on in the background while a store is being
// closed may find it closed, and does not complain.
func TestCloseIsNoTrouble(t *testing.T) {
	taken := make(chan struct{}, 1) // Open takes the first
	s := openTest(t, Options{Lease: 3 * time.Millisecond, database: func(d database) database { return renewals{d, taken} }})
	s.closed.Store(true) // as Close does first
	for range 4 {
		<-taken // the next one comes when the work after the last is done
	}
	s.closed.Store(false)
}
