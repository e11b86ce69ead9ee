package persistence

import (
	"testing"
	"time"
)

// TestClockJumps: the rows of a clock that was decades ahead, or behind, harm
// nothing. Order comes from numbers and transactions, never from a time.
func TestClockJumps(t *testing.T) {
	for _, jumped := range []time.Time{time.Unix(0, 0), time.Date(2999, 12, 31, 0, 0, 0, 0, time.UTC)} {
		t.Run(jumped.UTC().Format("2006"), func(t *testing.T) {
			dir := fastDir(t)
			s := openTest(t, Options{DataDir: dir, OnConflict: Keep, Keep: 2})
			id := register(t, s, "anna")
			verifyNew(t, s, id, "a.txt", "first")
			verifyNew(t, s, id, "a.txt", "second")
			receive(t, s, id, "b.txt", []byte("never verified"))
			setClock(t, s, jumped)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}

			s = openTest(t, Options{DataDir: dir, OnConflict: Keep, Keep: 2})
			verifyNew(t, s, id, "a.txt", "third")
			verifyNew(t, s, id, "b.txt", "verified")
			s.Touch(id)
			if report, err := s.Sweep(t.Context()); err != nil || len(report.Quarantined)+len(report.Missing) > 0 {
				t.Errorf("sweep: %+v, %v", report, err)
			}
			mustAgree(t, s)
			if a, b := contentOf(t, s, "a.txt"), contentOf(t, s, "b.txt"); a != "third" || b != "verified" {
				t.Errorf("a.txt holds %q and b.txt %q", a, b)
			}
			if kept := countVersions(t, s); kept != 2 {
				t.Errorf("%d earlier contents are kept, want 2", kept)
			}
		})
	}
}

// setClock gives every row the time of a clock that jumped.
func setClock(t *testing.T, s *Store, to time.Time) {
	t.Helper()
	err := s.update(t.Context(), func(t tx) error {
		for _, change := range []string{
			`UPDATE clients SET LastSeen = ?, Registered = ?`,
			`UPDATE files SET Received = ?, VerifiedAt = CASE WHEN Verified THEN ? END`,
			`UPDATE versions SET Received = ?, VerifiedAt = ?`,
			`UPDATE uploads SET Started = coalesce(?, ?)`,
		} {
			if _, err := t.exec(change, to, to); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func countVersions(t *testing.T, s *Store) (n int) {
	t.Helper()
	for _, err := range s.versionRows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}
