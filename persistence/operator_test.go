package persistence

import (
	"errors"
	"testing"
)

// openOperator opens the storage of a store that works, beside it.
func openOperator(t *testing.T, s *Store) *Operator {
	t.Helper()
	o, err := OpenOperator(t.Context(), s.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

// TestRevoke shuts a client out while the store works, also of what it has
// begun, and lets it in again.
func TestRevoke(t *testing.T) {
	s := openTest(t, Options{})
	o := openOperator(t, s)
	anna, bob := register(t, s, "anna"), register(t, s, "bob")
	verifyNew(t, s, anna, "kept", "text")
	begun := receive(t, s, anna, "begun", []byte("text"))
	if err := o.Revoke(t.Context(), anna); err != nil {
		t.Fatal(err)
	}
	if err := begun.Verify(t.Context()); !errors.Is(err, ErrRevoked) {
		t.Errorf("what was begun: %v", err)
	}
	if _, err := s.Begin(t.Context(), anna, "next", 1); !errors.Is(err, ErrRevoked) {
		t.Errorf("the next upload: %v", err)
	}
	if _, err := s.OfferKey(t.Context(), anna, make([]byte, PublicKeySize), [32]byte{}); !errors.Is(err, ErrRevoked) {
		t.Errorf("a key: %v", err)
	}
	if c, err := s.Client(t.Context(), anna); err != nil || !c.Revoked {
		t.Errorf("the client: %+v, %v", c, err)
	}
	if got := contentOf(t, s, "kept"); got != "text" {
		t.Errorf("its file is %q", got)
	}
	verifyNew(t, s, bob, "other", "text")
	if err := o.Restore(t.Context(), anna); err != nil {
		t.Fatal(err)
	}
	verifyNew(t, s, anna, "next", "text")
	mustAgree(t, s)
	for _, change := range []func() error{
		func() error { return o.Revoke(t.Context(), newClientID()) },
		func() error { return o.Restore(t.Context(), newClientID()) },
	} {
		if err := change(); !errors.Is(err, ErrUnknownClient) {
			t.Errorf("nobody: %v", err)
		}
	}
}

// TestRemoveFiles removes all of one client, and counts it off the quota.
func TestRemoveFiles(t *testing.T) {
	s := openTest(t, Options{OnConflict: Keep, Keep: 3, Quota: Quota{ClientFiles: 100, TotalBytes: 1 << 20}})
	o := openOperator(t, s)
	anna, bob := register(t, s, "anna"), register(t, s, "bob")
	for _, name := range []string{"a", "a", "b"} {
		verifyNew(t, s, anna, name, "text")
	}
	verifyNew(t, s, bob, "a", "text")
	removed := 0
	if err := o.RemoveFiles(t.Context(), anna, func(File) { removed++ }); err != nil || removed != 2 {
		t.Errorf("%d are removed, %v", removed, err)
	}
	if _, err := s.removeClaimed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := left(t, s); len(got) != 1 || got[0] != "bob/a" {
		t.Errorf("left is %q", got)
	}
	mustAgree(t, s)
}
