package persistence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// mount makes a small file system of its own, where the test may.
func mount(t *testing.T, size string) string {
	t.Helper()
	at := t.TempDir()
	if err := unix.Mount("tmpfs", at, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("needs the right to mount:", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return at
}

// TestFullDisk fills a real disk: uploads fail with ErrNoSpace, acknowledged
// ones stay, and service resumes when there is space again.
func TestFullDisk(t *testing.T) {
	at := mount(t, "4m")
	ballast := filepath.Join(at, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s := openTest(t, Options{DataDir: filepath.Join(at, "data"), Trouble: func(error) {}})
	id := register(t, s, "anna")
	acknowledged := map[string]bool{}
	var failure error
	for n := 0; failure == nil && n < 10_000; n++ {
		name := fmt.Sprint("file ", n)
		if failure = try(t.Context(), s, id, name, fmt.Sprintf("%08192d", n)); failure == nil {
			acknowledged[name] = true
		}
	}
	if !errors.Is(failure, ErrNoSpace) || len(acknowledged) == 0 {
		t.Fatalf("after %d files: %v", len(acknowledged), failure)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := try(t.Context(), s, id, "after", "content"); err != nil {
		t.Errorf("with space again: %v", err)
	}
	if _, err := s.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	mustAgree(t, s)
	for file, err := range s.Files(t.Context(), FileFilter{Verified: true}) {
		if err != nil {
			t.Fatal(err)
		}
		delete(acknowledged, file.FileName)
	}
	if len(acknowledged) > 0 {
		t.Errorf("%d acknowledged files are gone", len(acknowledged))
	}
}

func TestReadOnlyDisk(t *testing.T) {
	at := mount(t, "8m")
	s := openTest(t, Options{DataDir: filepath.Join(at, "data")})
	verifyNew(t, s, register(t, s, "anna"), "a.txt", "content")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", at, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), s.options); !errors.Is(err, unix.EROFS) {
		t.Errorf("open: %v", err)
	}
	r, err := OpenReadOnly(t.Context(), Options{DataDir: s.options.DataDir})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	mustAgree(t, r)
	if got := onlyFile(t, r).FileName; got != "a.txt" {
		t.Errorf("file %q", got)
	}
}
