package persistence

import (
	"context"
	"time"
)

// tx runs statements inside one transaction. Queries use ? as placeholder and
// are prepared once for each connection. It is valid only during the call it
// was given to, and is for one goroutine.
type tx interface {
	// exec runs a statement and returns how many rows it changed.
	exec(query string, args ...any) (int64, error)
	// get reads exactly one row into dest, or fails with sql.ErrNoRows.
	get(dest any, query string, args ...any) error
	// list reads all rows into the slice dest points to.
	list(dest any, query string, args ...any) error
	// lock holds up every other transaction that locks the same name until
	// this one ends. It comes before the statements that rely on it. Where one
	// transaction runs at a time it does nothing.
	lock(name string) error
}

// rows is where clients and files are recorded. All SQL is in the callers;
// an implementation knows one database, its transactions and its migrations.
type rows interface {
	// update runs one job in a transaction and returns when that is durably
	// committed or not committed at all. The job's error is returned as it
	// is, and undoes the job alone. A job may share its transaction with
	// others and may be run again, so it must set its results afresh. It may
	// even be run again after a run that was committed, when the answer to that
	// was lost: then it must find so, change nothing more, and return nil.
	// A context that ends withdraws a job that has not begun; one that has
	// begun is waited for.
	update(ctx context.Context, job func(tx) error) error
	// record is update that does not wait for stable storage: everyone sees
	// what it has committed, and a killed process does not lose it, but a power
	// cut may. It is on stable storage once settle with its mark has returned
	// nil, or a later update has: commits are lost in the order of their end
	// only, never an earlier one without a later.
	record(ctx context.Context, job func(tx) error) (mark, error)
	// settle returns when what was committed up to a mark, or everything so
	// far, is on stable storage. After an error nothing more can be.
	settle(ctx context.Context, at mark) error
	// view runs queries that change nothing. Each sees its own snapshot.
	view(ctx context.Context, job func(tx) error) error
	// close ends the jobs under way and refuses later ones with ErrClosed.
	close() error
}

// upkeep looks after the database as a whole.
type upkeep interface {
	// verify looks for damage, in all of the database or in its structure
	// only, and describes what it finds.
	verify(ctx context.Context, deep bool) (damage []string, err error)
	// copyTo writes a copy as of one moment to path, an empty file.
	copyTo(ctx context.Context, path string) error
}

// tenancy tells the stores that are at work from those that are gone, by the
// clock of the database. Where one store has the database to itself, all others
// are gone.
type tenancy interface {
	// renew says that a store will be at work for another lease.
	renew(ctx context.Context, owner string, lease time.Duration) error
	// resign says that a store has ended.
	resign(ctx context.Context, owner string) error
	// abandoned lists the intents of stores that are gone, which owner is not.
	abandoned(t tx, owner string) ([]intent, error)
}

// database is all that a Store asks of the place for rows.
type database interface {
	rows
	upkeep
	tenancy
}
