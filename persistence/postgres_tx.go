package persistence

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jmoiron/sqlx"
)

const (
	// conflictTries bounds the attempts that end because of other jobs.
	conflictTries = 20
	// uniqueTries bounds those that end because a key is taken: the next one
	// sees by what, unless the job is wrong.
	uniqueTries = 4

	firstPause, longestPause = 4 * time.Millisecond, 250 * time.Millisecond
)

// patience says when to give up.
type patience struct {
	attempt time.Duration // bounds one attempt at a job, its commit included
	outage  time.Duration // for a job while the database is away: a restart of it goes unnoticed
	doubt   time.Duration // the same once the answer to a commit was lost
}

var usualPatience = patience{attempt: 10 * time.Second, outage: 8 * time.Second, doubt: 20 * time.Second}

// update runs the job in a transaction of its own. While the database is away
// or other jobs are in the way it is run again, in bounds. It is also run again
// when the answer to its commit is lost: its statements wait for what the lost
// transaction holds, and then see whether that was committed.
func (r *postgresRows) update(ctx context.Context, job func(tx) error) error {
	if r.looking {
		return ErrReadOnly
	}
	if err := r.enter(); err != nil {
		return err
	}
	defer r.jobs.Done()
	began := time.Now()
	defer func() { r.commits.Observe(time.Since(began)) }()
	return r.retry(ctx, func() (verdict, error) { return r.try(ctx, job) })
}

// record is update: PostgreSQL flushes the commits of many together by itself.
func (r *postgresRows) record(ctx context.Context, job func(tx) error) (mark, error) {
	return 0, r.update(ctx, job)
}

// settle has nothing to wait for.
func (r *postgresRows) settle(context.Context, mark) error { return nil }

// verdict is what an attempt says of another one.
type verdict int

const (
	final    verdict = iota
	conflict         // another job was in the way
	taken            // a key was taken
	outage           // the database was away, and nothing is in effect
	doubt            // the answer to the commit was lost
)

// retry attempts until the verdict is final, the bounds are reached or ctx
// ends. What may have been committed is not left because ctx ends.
func (p patience) retry(ctx context.Context, attempt func() (verdict, error)) error {
	start := time.Now()
	doubtful, counts := false, map[verdict]int{}
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		if err := ctx.Err(); err != nil && !doubtful {
			return err
		}
		v, err := attempt()
		counts[v]++
		doubtful = doubtful || v == doubt
		limit := p.outage
		if doubtful {
			limit = p.doubt
		}
		switch {
		case v == final, v == conflict && counts[v] >= conflictTries, v == taken && counts[v] >= uniqueTries:
			return err
		case time.Since(start) >= limit:
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		time.Sleep(pause/2 + rand.N(pause))
	}
}

// try runs a job once.
func (r *postgresRows) try(ctx context.Context, job func(tx) error) (verdict, error) {
	within, cancel := context.WithTimeout(ctx, r.patience.attempt) // to begin: ctx may still withdraw it
	defer cancel()
	conn, err := r.db.Connx(within)
	if err != nil {
		return judge(err), err
	}
	defer conn.Close() // gives it back; it is closed when it is broken
	begun, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.patience.attempt)
	defer cancel()
	inside, err := conn.BeginTxx(begun, nil)
	if err != nil {
		return judge(err), err
	}
	t := &postgresTx{ctx: begun, rows: r, on: inside}
	if err := job(t); err != nil {
		_ = inside.Rollback() // the loss is reported already
		if t.failed == nil {
			return final, err
		}
		return judge(t.failed), err
	}
	err = inside.Commit()
	if err != nil && judge(err) == outage {
		return doubt, err
	}
	return judge(err), err
}

// judge tells from an error, before the commit, whether to try again. An error
// that is not PostgreSQL's own word means that there was none.
func judge(err error) verdict {
	if err == nil {
		return final
	}
	var said *pgconn.PgError
	if !errors.As(err, &said) {
		return outage
	}
	switch said.Code[:2] {
	case "40": // serialization failure, deadlock
		return conflict
	case "08", "53", "57": // connection lost, too many connections, shut down
		if said.Code == "53100" { // disk full
			return final
		}
		return outage
	}
	switch said.Code {
	case "23505": // a unique key
		return taken
	case "55P03": // a lock was not to be had in time
		return conflict
	case "25P03", "25P02", "25006": // timed out in a transaction, lost, on a standby
		return outage
	}
	return final
}

// postgresTx is the tx of one attempt.
type postgresTx struct {
	ctx    context.Context
	rows   *postgresRows
	on     *sqlx.Tx
	failed error // what PostgreSQL, or the way to it, said last
}

func (t *postgresTx) note(err error) error {
	if err != nil && !none(err) {
		t.failed = err
	}
	return err
}

func (t *postgresTx) exec(query string, args ...any) (int64, error) {
	result, err := t.on.ExecContext(t.ctx, t.rows.rebind(query), args...)
	if err != nil {
		return 0, t.note(err)
	}
	return result.RowsAffected()
}

func (t *postgresTx) get(dest any, query string, args ...any) error {
	return t.note(t.on.GetContext(t.ctx, dest, t.rows.rebind(query), args...))
}

func (t *postgresTx) list(dest any, query string, args ...any) error {
	return t.note(t.on.SelectContext(t.ctx, dest, t.rows.rebind(query), args...))
}

func (t *postgresTx) lock(name string) error {
	_, err := t.exec(`SELECT pg_advisory_xact_lock(hashtextextended(?, 0))`, name)
	return err
}

// view runs queries, each on its own and again while the database is away.
func (r *postgresRows) view(ctx context.Context, job func(tx) error) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.jobs.Done()
	return job(postgresView{ctx, r})
}

// postgresView is the tx of a view.
type postgresView struct {
	ctx  context.Context
	rows *postgresRows
}

func (v postgresView) exec(string, ...any) (int64, error) { return 0, ErrReadOnly }
func (v postgresView) lock(string) error                  { return ErrReadOnly }

func (v postgresView) get(dest any, query string, args ...any) error {
	return v.query(func(ctx context.Context) error {
		return v.rows.db.GetContext(ctx, dest, v.rows.rebind(query), args...)
	})
}

func (v postgresView) list(dest any, query string, args ...any) error {
	return v.query(func(ctx context.Context) error {
		reflect.ValueOf(dest).Elem().SetZero() // a query that broke off has filled a part
		return v.rows.db.SelectContext(ctx, dest, v.rows.rebind(query), args...)
	})
}

func (v postgresView) query(ask func(context.Context) error) error {
	return v.rows.retry(v.ctx, func() (verdict, error) {
		within, cancel := context.WithTimeout(v.ctx, v.rows.patience.attempt)
		defer cancel()
		err := ask(within)
		if none(err) {
			return final, err
		}
		return judge(err), err
	})
}

// hasClass reports that PostgreSQL said an error of one of these classes, or
// with one of these codes.
func hasClass(err error, classes ...string) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && (slices.Contains(classes, said.Code[:2]) || slices.Contains(classes, said.Code))
}
