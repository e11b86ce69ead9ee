package persistence

import (
	"database/sql"
	"path/filepath"
	"testing"
)

// TestLockedDatabase: while another program holds the database, an upload
// waits; what was verified can be read, and all goes on when the lock is gone.
func TestLockedDatabase(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	id := register(t, s, "anna")
	verifyNew(t, s, id, "a.txt", "before")
	unlock := lockDatabase(t, s)

	waiting := make(chan error)
	go func() { waiting <- try(t.Context(), s, id, "b.txt", "meanwhile") }()
	if got := contentOf(t, s, "a.txt"); got != "before" {
		t.Errorf("a.txt holds %q while the database is locked", got)
	}
	if got := contentOf(t, s, "b.txt"); got != "" {
		t.Errorf("b.txt is verified while the database is locked: %q", got)
	}
	select {
	case err := <-waiting:
		t.Fatalf("the upload did not wait: %v", err)
	default:
	}
	unlock()
	if err := <-waiting; err != nil {
		t.Errorf("after the lock: %v", err)
	}
	mustAgree(t, s)
}

// lockDatabase takes the database's write lock as another program would.
func lockDatabase(t *testing.T, s *Store) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.options.DataDir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := db.Exec("ROLLBACK"); err != nil {
			t.Error(err)
		}
	}
}
