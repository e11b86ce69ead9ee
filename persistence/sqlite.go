package persistence

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"strconv"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	sqliteDriver = "sqlite"
	// checkpointPages is how long the write-ahead log grows, in pages of 4 KiB,
	// before its pages are moved into the database.
	checkpointPages = 2000
	// busyTimeout, in milliseconds, covers what other processes may hold for
	// a moment: a backup that starts, a reader that recovers the log.
	busyTimeout = 5000
)

// sqliteRows keeps rows in one SQLite file: one connection writes, in groups,
// and a pool of others reads.
type sqliteRows struct {
	writers *sqlx.DB
	writer  *sqliteWriter
	readers *sqlx.DB
	queries *statements
	group   *group
	log     *writeAheadLog // nil when nothing is flushed
}

// openSQLite opens or makes the database at path, which must be readable and
// writable, and brings its tables up to date.
func openSQLite(ctx context.Context, path string, durability Durability) (*sqliteRows, error) {
	sqlx.BindDriver(sqliteDriver, sqlx.QUESTION)
	// Without an effect on what is promised: fdatasync leaves out only the
	// times of the log file, and saves a journal commit of the file system.
	// Where it is not available SQLite goes on with fsync.
	_, _ = sqlite.Fdatasync(true)
	writers, err := sqlx.Open(sqliteDriver, sqliteName(path, writePragmas()))
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, writers, sqliteMigrations()); err != nil {
		return nil, errors.Join(err, writers.Close())
	}
	conn, err := writers.Connx(ctx)
	if err != nil {
		return nil, errors.Join(err, writers.Close())
	}
	readers, err := openReaders(path, url.Values{"mode": {"ro"}})
	if err != nil {
		return nil, errors.Join(err, conn.Close(), writers.Close())
	}
	r := &sqliteRows{
		writers: writers,
		writer:  newSQLiteWriter(conn),
		readers: readers,
		queries: &statements{prepare: readers.PreparexContext},
	}
	var flushing *flusher
	if durability == Full {
		r.log = &writeAheadLog{path: path + "-wal"}
		flushing = newFlusher("the database's log", r.log.sync)
	}
	r.group = newGroup(r.writer, flushing)
	return r, nil
}

// openSQLiteReadOnly opens an existing database that another process may be
// writing.
func openSQLiteReadOnly(ctx context.Context, path string) (*sqliteRows, error) {
	r, err := readSQLite(ctx, path, url.Values{"mode": {"ro"}})
	if isCannotOpen(err) && !exists(path+"-wal") {
		// A file system that cannot be written: SQLite cannot make the files
		// by which it notices a writer, and without a log there is none.
		r, err = readSQLite(ctx, path, url.Values{"mode": {"ro"}, "immutable": {"1"}})
	}
	return r, err
}

func readSQLite(ctx context.Context, path string, with url.Values) (*sqliteRows, error) {
	readers, err := openReaders(path, with)
	if err != nil {
		return nil, err
	}
	if err := checkMigrations(ctx, readers, sqliteMigrations()); err != nil {
		return nil, errors.Join(err, readers.Close())
	}
	return &sqliteRows{readers: readers, queries: &statements{prepare: readers.PreparexContext}}, nil
}

func openReaders(path string, with url.Values) (*sqlx.DB, error) {
	sqlx.BindDriver(sqliteDriver, sqlx.QUESTION)
	readers, err := sqlx.Open(sqliteDriver, sqliteName(path, with))
	if err != nil {
		return nil, err
	}
	readers.SetMaxOpenConns(2 + runtime.GOMAXPROCS(0))
	readers.SetMaxIdleConns(2 + runtime.GOMAXPROCS(0))
	return readers, nil
}

// writePragmas leaves flushing the log to the flusher: with synchronous=NORMAL
// SQLite flushes it only before it moves pages into the database, and then the
// database. That order is what keeps the database whole in a power cut.
func writePragmas() url.Values {
	return url.Values{
		"mode":          {"rwc"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"NORMAL"},
		"_foreign_keys": {"1"},
		"_pragma":       {"wal_autocheckpoint(" + strconv.Itoa(checkpointPages) + ")", "cache_size(-32768)"},
	}
}

func sqliteName(path string, with url.Values) string {
	with.Set("_busy_timeout", strconv.Itoa(busyTimeout))
	with.Set("_time_format", "sqlite")
	with.Set("_timezone", "UTC")
	with.Set("_dqs", "0")
	with.Add("_pragma", "temp_store(MEMORY)") // the server may not write elsewhere than in its own folder
	name := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: with.Encode()}
	return name.String()
}

func (r *sqliteRows) update(ctx context.Context, job func(tx) error) error {
	if r.group == nil {
		return ErrReadOnly
	}
	_, err := r.group.do(ctx, job, true)
	return err
}

func (r *sqliteRows) record(ctx context.Context, job func(tx) error) (mark, error) {
	if r.group == nil {
		return 0, ErrReadOnly
	}
	return r.group.do(ctx, job, false)
}

func (r *sqliteRows) settle(ctx context.Context, at mark) error {
	if r.group == nil {
		return nil
	}
	return r.group.flusher.settle(ctx, at)
}

func (r *sqliteRows) view(ctx context.Context, job func(tx) error) error {
	return job(reader{ctx: ctx, statements: r.queries})
}

func (r *sqliteRows) close() error {
	failed := errors.Join(r.queries.close(), r.readers.Close())
	if r.group == nil {
		return failed
	}
	r.group.close()
	return errors.Join(failed, r.log.close(), r.writer.close(), r.writers.Close())
}

func (r *sqliteRows) verify(ctx context.Context, deep bool) (damage []string, err error) {
	check := `PRAGMA quick_check`
	if deep {
		check = `PRAGMA integrity_check`
	}
	if err := r.readers.SelectContext(ctx, &damage, check); err != nil {
		return nil, err
	}
	if len(damage) == 1 && damage[0] == "ok" {
		return nil, nil
	}
	return damage, nil
}

func (r *sqliteRows) copyTo(ctx context.Context, path string) error {
	_, err := r.readers.ExecContext(ctx, `VACUUM INTO ?`, path)
	return err
}

// isDatabaseFull reports a database's own word for a full disk.
func isDatabaseFull(err error) bool {
	return hasCode(err, sqlite3.SQLITE_FULL) || hasClass(err, "53100")
}

func isCannotOpen(err error) bool { return hasCode(err, sqlite3.SQLITE_CANTOPEN) }

func hasCode(err error, code int) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == code
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// none reports that a query found no row.
func none(err error) bool { return errors.Is(err, sql.ErrNoRows) }
