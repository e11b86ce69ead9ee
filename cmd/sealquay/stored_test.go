package main

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the tests read the tables as an operator may

	"github.com/sealquay/sealquay/internal/logging"
)

// content makes n bytes, always the same for a seed.
func content(seed string, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(seed))).Read(b) // never fails
	return b
}

// A fileRow is a row of the table files, as the specification names it.
type fileRow struct {
	path     string // PathName, relative to the data directory
	verified bool
}

// database opens the tables beside the server.
func (s *testServer) database(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "sealquay.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// row reads the row of one file of a client, found by its name.
func (s *testServer) row(t testing.TB, client, file string) (row fileRow, known bool) {
	t.Helper()
	db := s.database(t)
	defer db.Close()
	err := db.QueryRow(`SELECT PathName, Verified FROM files JOIN clients USING (ID) WHERE Name = ? AND FileName = ?`,
		client, file).Scan(&row.path, &row.verified)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		t.Fatal(err)
	}
	return row, err == nil
}

// checkStored checks that the file is verified and holds this content.
func (s *testServer) checkStored(t testing.TB, client, file string, want []byte) {
	t.Helper()
	row, known := s.row(t, client, file)
	if !known || !row.verified {
		t.Fatalf("%q of %q: row known: %v, verified: %v", file, client, known, row.verified)
	}
	got, err := os.ReadFile(filepath.Join(s.dir, row.path))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%q of %q holds %d other bytes than the %d that were sent", file, client, len(got), len(want))
	}
}

// checkNotStored checks that nothing says that the file is there.
func (s *testServer) checkNotStored(t testing.TB, client, file string) {
	t.Helper()
	if row, _ := s.row(t, client, file); row.verified {
		t.Fatalf("%q of %q is verified", file, client)
	}
}

// checkClean waits until all that is stored is what verified rows point at: no
// temporary file, no upload under way, nothing else below the data directory.
func (s *testServer) checkClean(t testing.TB) {
	t.Helper()
	var left []string
	eventually(t, func() bool { left = s.leftovers(t); return len(left) == 0 },
		func() string { return "left behind:\n" + strings.Join(left, "\n") })
}

func (s *testServer) leftovers(t testing.TB) (left []string) {
	t.Helper()
	db := s.database(t)
	defer db.Close()
	var uploads int
	if err := db.QueryRow(`SELECT COUNT(*) FROM uploads`).Scan(&uploads); err != nil {
		t.Fatal(err)
	}
	if uploads > 0 {
		left = append(left, fmt.Sprintf("%d rows of uploads", uploads))
	}
	explained := verifiedPaths(t, db)
	for _, folder := range []string{"files", "versions", "tmp", "quarantine"} {
		for _, path := range regularFiles(t, s.dir, folder) {
			if !explained[path] {
				left = append(left, path)
			}
			delete(explained, path)
		}
	}
	for path := range explained {
		left = append(left, "a verified row without its content: "+path)
	}
	return left
}

func verifiedPaths(t testing.TB, db *sql.DB) map[string]bool {
	t.Helper()
	rows, err := db.Query(`SELECT PathName FROM files WHERE Verified = 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	paths := map[string]bool{}
	for rows.Next() {
		var path string
		if err := rows.Scan(&path); err != nil {
			t.Fatal(err)
		}
		paths[path] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return paths
}

// regularFiles lists all files below a folder of the data directory. What goes
// while it looks is not there.
func regularFiles(t testing.TB, dir, folder string) (paths []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), folder, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !entry.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// eventually waits for what no event tells.
func eventually(t testing.TB, holds func() bool, otherwise func() string) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(otherwise())
		}
	}
}

// awaitLines waits for the log to hold n lines of an event.
func (s *testServer) awaitLines(t testing.TB, e logging.Event, n int) (lines []logLine) {
	t.Helper()
	eventually(t, func() bool { lines = s.log.lines(t, e); return len(lines) >= n },
		func() string { return fmt.Sprintf("%d lines of %s, want %d", len(lines), e, n) })
	return lines
}

// checkLog fails on lines that no client may cause.
func (s *testServer) checkLog(t testing.TB) {
	t.Helper()
	for _, line := range s.log.all(t) {
		if line["level"] == "error" {
			t.Errorf("the log has an error: %v", line)
		}
	}
}

func (id clientID) String() string { return hex.EncodeToString(id[:]) }

// everyone runs n goroutines at once and waits for them.
func everyone(t testing.TB, n int, run func(t testing.TB, i int)) {
	t.Helper()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { run(member{t}, i) })
	}
	all.Wait()
}

// A member is the test as one of many goroutines sees it: Fatal ends that
// goroutine, which FailNow promises for the test's own only.
type member struct{ testing.TB }

func (m member) Fatal(args ...any) {
	m.Helper()
	m.Error(args...)
	runtime.Goexit()
}

func (m member) Fatalf(format string, args ...any) {
	m.Helper()
	m.Errorf(format, args...)
	runtime.Goexit()
}
