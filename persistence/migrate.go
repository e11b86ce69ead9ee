package persistence

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

//go:embed migrations
var migrationFiles embed.FS

// migration is one numbered step from one version of the tables to the next.
// Its text never changes once released: databases remember its checksum.
type migration struct {
	version  int
	name     string
	text     string
	checksum string
}

// compatible ends the name of a migration after which the version of the
// program before it still works, so that both may run side by side: it adds
// what the earlier one need not know, and what it inserts stays valid.
const compatible = ".compatible"

func sqliteMigrations() []migration {
	return readMigrations(migrationFiles, "migrations/sqlite")
}

func postgresMigrations() []migration {
	return readMigrations(migrationFiles, "migrations/postgres")
}

// readMigrations reads the files NNNN_name.sql, or NNNN_name.compatible.sql, of
// a folder, numbered from 1 without gaps. It panics when a file is misnamed, which only a build can cause.
func readMigrations(files fs.FS, folder string) []migration {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		panic(err)
	}
	var all []migration
	for i, entry := range entries {
		number, name, _ := strings.Cut(strings.TrimSuffix(entry.Name(), ".sql"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			panic("persistence: migration out of order: " + entry.Name())
		}
		text, err := fs.ReadFile(files, folder+"/"+entry.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(text)
		all = append(all, migration{version, name, string(text), hex.EncodeToString(sum[:])})
	}
	return all
}

const createMigrations = `CREATE TABLE IF NOT EXISTS migrations (
	Version  INTEGER   NOT NULL PRIMARY KEY,
	Name     TEXT      NOT NULL,
	Checksum TEXT      NOT NULL,
	Applied  TIMESTAMP NOT NULL
)`

// migratable is a database, or one connection to it.
type migratable interface {
	sqlx.ExecerContext
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	BeginTxx(ctx context.Context, options *sql.TxOptions) (*sqlx.Tx, error)
	Rebind(query string) string
}

// migrate brings the tables up to the last of the known migrations, each in a
// transaction of its own. A database that is already there is not written.
func migrate(ctx context.Context, db migratable, known []migration) error {
	if _, err := db.ExecContext(ctx, createMigrations); err != nil {
		return err
	}
	applied, err := appliedMigrations(ctx, db, known)
	if err != nil {
		return err
	}
	for _, next := range known[applied:] {
		if err := applyMigration(ctx, db, next); err != nil {
			return fmt.Errorf("migration %d (%s): %w", next.version, next.name, err)
		}
	}
	return nil
}

// checkMigrations refuses a database that is not at the last known version.
func checkMigrations(ctx context.Context, db migratable, known []migration) error {
	applied, err := appliedMigrations(ctx, db, known)
	if err != nil {
		return err
	}
	if applied < len(known) {
		return fmt.Errorf("the database is at version %d and this program needs %d: start the server once to bring it up to date",
			applied, len(known))
	}
	return nil
}

// appliedMigrations counts the migrations a database has, after it has made
// sure that they are the known ones. One more is accepted when it is compatible:
// the next version of the program runs beside this one, or did.
func appliedMigrations(ctx context.Context, db migratable, known []migration) (applied int, err error) {
	found, err := db.QueryContext(ctx, `SELECT Version, Name, Checksum FROM migrations ORDER BY Version`)
	if err != nil {
		return 0, err
	}
	defer found.Close()
	for found.Next() {
		var version int
		var name, checksum string
		if err := found.Scan(&version, &name, &checksum); err != nil {
			return 0, err
		}
		if version == len(known)+1 && strings.HasSuffix(name, compatible) {
			continue
		}
		if version > len(known) {
			return 0, fmt.Errorf("%w: its version is at least %d, this program knows %d", ErrNewerDatabase, version, len(known))
		}
		if checksum != known[version-1].checksum {
			return 0, fmt.Errorf("%w: migration %d differs", ErrChangedMigration, version)
		}
		applied = version
	}
	return applied, found.Err()
}

func applyMigration(ctx context.Context, db migratable, next migration) error {
	inside, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = inside.Rollback() }() // does nothing after Commit
	if _, err := inside.ExecContext(ctx, next.text); err != nil {
		return err
	}
	_, err = inside.ExecContext(ctx, db.Rebind(`INSERT INTO migrations (Version, Name, Checksum, Applied) VALUES (?, ?, ?, ?)`),
		next.version, next.name, next.checksum, now())
	if err != nil {
		return err
	}
	return inside.Commit()
}

// now is the time as the tables hold it: UTC, whole microseconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
