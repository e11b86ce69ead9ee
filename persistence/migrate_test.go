package persistence

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jmoiron/sqlx"
)

func openRaw(t *testing.T, path string) *sqlx.DB {
	t.Helper()
	db, err := sqlx.Open(sqliteDriver, sqliteName(path, writePragmas()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// later is the known migrations and one more.
func later(text string) []migration {
	return append(sqliteMigrations(), migration{len(sqliteMigrations()) + 1, "later", text, "checksum"})
}

func TestEveryEarlierVersionIsBroughtUp(t *testing.T) {
	known := later(`CREATE TABLE later (One INTEGER)`)
	for version := range len(known) + 1 {
		db := openRaw(t, filepath.Join(fastDir(t), databaseFile))
		for _, upTo := range []int{version, len(known), len(known)} {
			if err := migrate(t.Context(), db, known[:upTo]); err != nil {
				t.Fatalf("from %d to %d: %v", version, upTo, err)
			}
		}
		if _, err := db.Exec(`INSERT INTO later VALUES (1)`); err != nil {
			t.Error(err)
		}
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	directory := fastDir(t)
	db := openRaw(t, filepath.Join(directory, databaseFile))
	if err := migrate(t.Context(), db, later(`CREATE TABLE later (One INTEGER)`)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{DataDir: directory}); !errors.Is(err, ErrNewerDatabase) {
		t.Errorf("open: %v", err)
	}
	if _, err := OpenReadOnly(t.Context(), Options{DataDir: directory}); !errors.Is(err, ErrNewerDatabase) {
		t.Errorf("open read only: %v", err)
	}
}

func TestChangedMigrationIsRefused(t *testing.T) {
	db := openRaw(t, filepath.Join(fastDir(t), databaseFile))
	if err := migrate(t.Context(), db, sqliteMigrations()); err != nil {
		t.Fatal(err)
	}
	changed := sqliteMigrations()
	changed[0].checksum = "another"
	if err := migrate(t.Context(), db, changed); !errors.Is(err, ErrChangedMigration) {
		t.Errorf("migrate: %v", err)
	}
}

func TestFailedMigrationLeavesTheVersionBefore(t *testing.T) {
	db := openRaw(t, filepath.Join(fastDir(t), databaseFile))
	broken := later(`CREATE TABLE half (One INTEGER); CREATE TABLE nonsense (`)
	if err := migrate(t.Context(), db, broken); err == nil || !strings.Contains(err.Error(), "later") {
		t.Errorf("migrate: %v", err)
	}
	if _, err := db.Exec(`INSERT INTO half VALUES (1)`); err == nil {
		t.Error("half of the migration is there")
	}
	if err := migrate(t.Context(), db, later(`CREATE TABLE half (One INTEGER)`)); err != nil {
		t.Errorf("mended: %v", err)
	}
}

func TestMigrationFilesAreInOrder(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a gap is not noticed")
		}
	}()
	readMigrations(fstest.MapFS{"m/0001_a.sql": {}, "m/0003_c.sql": {}}, "m")
}

func TestBrokenDatabaseIsNamed(t *testing.T) {
	directory := fastDir(t)
	if err := os.WriteFile(filepath.Join(directory, databaseFile), []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, open := range map[string]func() (*Store, error){
		"open":           func() (*Store, error) { return Open(t.Context(), Options{DataDir: directory}) },
		"open read only": func() (*Store, error) { return OpenReadOnly(t.Context(), Options{DataDir: directory}) },
	} {
		if _, err := open(); err == nil || !strings.Contains(err.Error(), databaseFile) || !strings.Contains(err.Error(), directory) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestReadOnlyMakesNothing(t *testing.T) {
	directory := fastDir(t)
	for _, path := range []string{directory, filepath.Join(directory, "missing")} {
		if _, err := OpenReadOnly(t.Context(), Options{DataDir: path}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("open %s: %v", path, err)
		}
	}
	if left, _ := os.ReadDir(directory); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
