package persistence

import (
	"context"
	"errors"
	"sync"

	"github.com/jmoiron/sqlx"
)

// statements prepares each query once. The queries are constants of this
// package, so their number is bounded.
type statements struct {
	prepare  func(ctx context.Context, query string) (*sqlx.Stmt, error)
	prepared sync.Map // string → *sqlx.Stmt
}

func (s *statements) statement(ctx context.Context, query string) (*sqlx.Stmt, error) {
	if found, ok := s.prepared.Load(query); ok {
		return found.(*sqlx.Stmt), nil
	}
	made, err := s.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	if found, ok := s.prepared.LoadOrStore(query, made); ok {
		_ = made.Close() // another goroutine was first; this one was never used
		return found.(*sqlx.Stmt), nil
	}
	return made, nil
}

// close closes what was prepared, which must not be in use: database/sql does
// not do so for statements of one connection, and SQLite keeps the files of a
// connection open as long as it has a statement.
func (s *statements) close() error {
	var failed []error
	for _, statement := range s.prepared.Range {
		failed = append(failed, statement.(*sqlx.Stmt).Close())
	}
	return errors.Join(failed...)
}

func (s *statements) get(ctx context.Context, dest any, query string, args []any) error {
	statement, err := s.statement(ctx, query)
	if err != nil {
		return err
	}
	return statement.GetContext(ctx, dest, args...)
}

func (s *statements) list(ctx context.Context, dest any, query string, args []any) error {
	statement, err := s.statement(ctx, query)
	if err != nil {
		return err
	}
	return statement.SelectContext(ctx, dest, args...)
}

// reader is the tx of a view: each query is on its own, on any connection of
// the pool.
type reader struct {
	ctx        context.Context
	statements *statements
}

func (r reader) exec(string, ...any) (int64, error) { return 0, ErrReadOnly }
func (r reader) lock(string) error                  { return ErrReadOnly }

func (r reader) get(dest any, query string, args ...any) error {
	return r.statements.get(r.ctx, dest, query, args)
}

func (r reader) list(dest any, query string, args ...any) error {
	return r.statements.list(r.ctx, dest, query, args)
}
