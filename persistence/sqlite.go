package persistence

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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
}

// openSQLite opens or makes the database at path, which must be readable and
// writable, and brings its tables up to date.
func openSQLite(ctx context.Context, path string, durability Durability) (*sqliteRows, error) {
	sqlx.BindDriver(sqliteDriver, sqlx.QUESTION)
	// Without an effect on what is promised: fdatasync leaves out only the
	// times of the log file, and saves a journal commit of the file system.
	// Where it is not available SQLite goes on with fsync.
	_, _ = sqlite.Fdatasync(true)
	writers, err := sqlx.Open(sqliteDriver, sqliteName(path, writePragmas(durability)))
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
	writer := &sqliteWriter{conn: conn, statements: statements{prepare: conn.PreparexContext}}
	return &sqliteRows{
		writers: writers,
		writer:  writer,
		readers: readers,
		queries: &statements{prepare: readers.PreparexContext},
		group:   newGroup(writer),
	}, nil
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

func writePragmas(durability Durability) url.Values {
	synchronous := "FULL"
	if durability == Relaxed {
		synchronous = "NORMAL"
	}
	return url.Values{
		"mode":          {"rwc"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {synchronous},
		"_foreign_keys": {"1"},
		"_pragma":       {"wal_autocheckpoint(" + strconv.Itoa(checkpointPages) + ")", "cache_size(-32768)"},
	}
}

func sqliteName(path string, with url.Values) string {
	with.Set("_busy_timeout", strconv.Itoa(busyTimeout))
	with.Set("_time_format", "sqlite")
	with.Set("_timezone", "UTC")
	with.Set("_dqs", "0")
	name := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: with.Encode()}
	return name.String()
}

func (r *sqliteRows) update(ctx context.Context, job func(tx) error) error {
	if r.group == nil {
		return ErrReadOnly
	}
	return r.group.do(ctx, job)
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
	return errors.Join(failed, r.writer.statements.close(), r.writer.conn.Close(), r.writers.Close())
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

// sqliteWriter runs transactions on the one connection that writes. It belongs
// to the writer's goroutine. Statements get no context: one that ends in the
// middle of a group must not undo the others.
type sqliteWriter struct {
	conn       *sqlx.Conn
	statements statements
}

func (w *sqliteWriter) begin() error  { return w.perform("BEGIN IMMEDIATE") }
func (w *sqliteWriter) commit() error { return w.perform("COMMIT") }
func (w *sqliteWriter) rollback()     { _ = w.perform("ROLLBACK") } // the loss is reported already
func (w *sqliteWriter) perform(sql string) error {
	_, err := w.exec(sql)
	return err
}

// run encloses the job in a savepoint. Some errors (disk full, I/O) make
// SQLite end the whole transaction: then the savepoint is gone too.
func (w *sqliteWriter) run(job func(tx) error) (failed, lost error) {
	if err := w.perform("SAVEPOINT job"); err != nil {
		return nil, err
	}
	if failed = job(w); failed != nil {
		if err := w.perform("ROLLBACK TO job"); err != nil {
			return nil, fmt.Errorf("transaction lost: %w", failed)
		}
	}
	return failed, w.perform("RELEASE job")
}

func (w *sqliteWriter) exec(query string, args ...any) (int64, error) {
	return w.statements.exec(context.Background(), query, args)
}

func (w *sqliteWriter) get(dest any, query string, args ...any) error {
	return w.statements.get(context.Background(), dest, query, args)
}

func (w *sqliteWriter) list(dest any, query string, args ...any) error {
	return w.statements.list(context.Background(), dest, query, args)
}

func (w *sqliteWriter) lock(string) error { return nil } // there is one writer

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
