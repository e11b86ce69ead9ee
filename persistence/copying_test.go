//go:build unix

package persistence

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// copying holds the lock of whoever copies the data directory. It is given up as
// when that process dies.
func copying(t *testing.T, s *Store) (done func()) {
	t.Helper()
	directory, err := os.Open(s.options.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(directory.Fd()), unix.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := directory.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestNothingIsRemovedWhileItIsCopied: what the rows say in a copy of them is
// still there, however often it is replaced, until whoever copies is done.
func TestNothingIsRemovedWhileItIsCopied(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	id := register(t, s, "anna")
	verifyNew(t, s, id, "a.txt", "first")

	done := copying(t, s)
	before := keys(t, s.content)
	for _, text := range []string{"second", "third", "last"} {
		verifyNew(t, s, id, "a.txt", text)
		if removed, err := s.removeClaimed(t.Context()); removed != 0 || err != nil {
			t.Errorf("removed %d while it is copied, %v", removed, err)
		}
	}
	after := keys(t, s.content)
	for key, size := range before {
		if after[key] != size {
			t.Errorf("%s has %d bytes, was %d", key, after[key], size)
		}
	}
	if len(after) != 4 {
		t.Errorf("left %v, want four contents", after)
	}

	done()
	if _, err := s.removeClaimed(t.Context()); err != nil {
		t.Error(err)
	}
	if left := keys(t, s.content); len(left) != 1 {
		t.Errorf("left %v, want the last content", left)
	}
	if got := contentOf(t, s, "a.txt"); got != "last" {
		t.Errorf("content %q", got)
	}
	mustAgree(t, s)
}

// removals tells what is removed.
type removals struct {
	FileSystem
	removed chan string
}

func (r removals) Remove(name string) error {
	err := r.FileSystem.Remove(name)
	r.removed <- name
	return err
}

// TestRemovalGoesOnByItself: nobody has to tell the store that a copy is done.
func TestRemovalGoesOnByItself(t *testing.T) {
	removed := make(chan string, 16)
	s := openTest(t, Options{
		DataDir:    fastDir(t),
		FileSystem: func(below FileSystem) FileSystem { return removals{below, removed} },
	})
	id := register(t, s, "anna")
	verifyNew(t, s, id, "a.txt", "first")
	done := copying(t, s)
	verifyNew(t, s, id, "a.txt", "last")
	if _, err := s.removeClaimed(t.Context()); err != nil {
		t.Fatal(err)
	}
	done()
	if got, want := <-removed, plainKey(id, "a.txt"); got != want {
		t.Errorf("%s was removed, want %s", got, want)
	}
}
