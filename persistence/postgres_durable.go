package persistence

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// ErrNotDurable means that PostgreSQL is set up so that what it has committed
// does not survive a power cut, which Full promises.
var ErrNotDurable = errors.New("what PostgreSQL commits does not survive a power cut")

// PostgresSettings are those of a PostgreSQL server, as a store's connection
// sees them, on which it depends whether a commit survives a power cut.
type PostgresSettings struct {
	Fsync             string // "on", "off"
	SynchronousCommit string // "off", or how many servers it waits for
	FullPageWrites    string // "on", "off"
}

// LookAtPostgres reads the settings of the server that a DSN names. It changes
// nothing.
func LookAtPostgres(ctx context.Context, dsn string) (found PostgresSettings, err error) {
	db, err := connectPostgres(dsn, Full)
	if err != nil {
		return found, err
	}
	found, err = readSettings(ctx, db)
	return found, errors.Join(err, db.Close())
}

func readSettings(ctx context.Context, db *sqlx.DB) (found PostgresSettings, err error) {
	err = db.GetContext(ctx, &found, `SELECT current_setting('fsync') AS fsync,
		current_setting('synchronous_commit') AS synchronouscommit, current_setting('full_page_writes') AS fullpagewrites`)
	return found, err
}

// Lost is nil, or an ErrNotDurable that says why a commit may be lost.
func (s PostgresSettings) Lost() error {
	switch {
	case s.Fsync == "off":
		return fmt.Errorf("%w: its setting fsync is off; want fsync = on", ErrNotDurable)
	case s.SynchronousCommit == "off":
		return fmt.Errorf("%w: synchronous_commit is off for this connection; want on, or leave it out of the connection", ErrNotDurable)
	}
	return nil
}

// Damaged is nil, or says why a power cut may damage the database. Some file
// systems do not need what is missing then.
func (s PostgresSettings) Damaged() error {
	if s.FullPageWrites != "off" {
		return nil
	}
	return errors.New("full_page_writes of PostgreSQL is off: a power cut may damage its tables, unless its file system writes pages whole, as ZFS does")
}

// checkSettings refuses a server that does not do what the options promise.
func checkSettings(ctx context.Context, db *sqlx.DB, o Options) error {
	if o.Durability != Full {
		return nil
	}
	found, err := readSettings(ctx, db)
	if err != nil {
		return err
	}
	if err := found.Damaged(); err != nil && o.Warn != nil {
		o.Warn(err)
	}
	return found.Lost()
}
