package persistence

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// age makes a verified file older than it is.
func age(t *testing.T, s *Store, id ClientID, name string, by time.Duration) {
	t.Helper()
	err := s.update(t.Context(), func(x tx) error {
		_, err := x.exec(`UPDATE files SET VerifiedAt = ? WHERE ID = ? AND FileName = ?`, now().Add(-by), id[:], name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// left lists the verified files.
func left(t *testing.T, s *Store) (names []string) {
	t.Helper()
	for f, err := range s.Files(t.Context(), FileFilter{Verified: true}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, f.ClientName+"/"+f.FileName)
	}
	slices.Sort(names)
	return names
}

func retain(t *testing.T, s *Store, r Retention) (expired []string) {
	t.Helper()
	err := s.Retain(t.Context(), r, func(f File, why Expiry) {
		expired = append(expired, fmt.Sprintf("%s by %d", f.FileName, why))
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(expired)
	return expired
}

// TestRetainByAge removes what is older, with its versions, counts it off the
// quota, and leaves the rest and what is on its way.
func TestRetainByAge(t *testing.T) {
	s := openTest(t, Options{OnConflict: Keep, Keep: 5, Quota: Quota{ClientFiles: 100, TotalFiles: 100}})
	anna := register(t, s, "anna")
	for _, text := range []string{"one", "two", "three"} {
		verifyNew(t, s, anna, "old", text)
	}
	verifyNew(t, s, anna, "young", "text")
	age(t, s, anna, "old", 25*time.Hour)
	age(t, s, anna, "young", 23*time.Hour)
	next := receive(t, s, anna, "old", []byte("on its way"))
	if got := retain(t, s, Retention{}); got != nil {
		t.Errorf("without a limit %q is gone", got)
	}
	if got := retain(t, s, Retention{MaxAge: 24 * time.Hour}); !slices.Equal(got, []string{"old by 0"}) {
		t.Errorf("gone is %q", got)
	}
	if got := left(t, s); !slices.Equal(got, []string{"anna/young"}) {
		t.Errorf("left is %q", got)
	}
	mustAgree(t, s)
	if err := next.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := left(t, s); !slices.Equal(got, []string{"anna/old", "anna/young"}) {
		t.Errorf("left is %q", got)
	}
	mustAgree(t, s)
}

// TestRetainByCount keeps the files of each client that were verified last.
func TestRetainByCount(t *testing.T) {
	s := openTest(t, Options{Quota: Quota{ClientBytes: 1 << 20}})
	anna, bob := register(t, s, "anna"), register(t, s, "bob")
	for n := range 5 {
		name := fmt.Sprint(n)
		verifyNew(t, s, anna, name, "text")
		age(t, s, anna, name, time.Duration(n)*time.Hour)
	}
	verifyNew(t, s, bob, "a", "text")
	verifyNew(t, s, bob, "b", "text")
	if got := retain(t, s, Retention{MaxFiles: 2}); !slices.Equal(got, []string{"2 by 1", "3 by 1", "4 by 1"}) {
		t.Errorf("gone is %q", got)
	}
	if got := left(t, s); !slices.Equal(got, []string{"anna/0", "anna/1", "bob/a", "bob/b"}) {
		t.Errorf("left is %q", got)
	}
	mustAgree(t, s)
}

// TestRetainLeavesWhatWasReplaced: a file is not removed for the age of the one
// before it.
func TestRetainLeavesWhatWasReplaced(t *testing.T) {
	s := openTest(t, Options{})
	anna := register(t, s, "anna")
	verifyNew(t, s, anna, "f", "before")
	var row fileRow
	for row = range s.fileRows(t.Context(), FileFilter{}) {
	}
	verifyNew(t, s, anna, "f", "after")
	if gone, err := s.expire(t.Context(), row); gone || err != nil {
		t.Errorf("gone is %v, %v", gone, err)
	}
	if got := contentOf(t, s, "f"); got != "after" {
		t.Errorf("the content is %q", got)
	}
}
