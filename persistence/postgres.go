package persistence

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"

	"github.com/sealquay/sealquay/internal/measure"
)

const (
	postgresDriver = "pgx" // bound to $1 by sqlx
	// postgresConnections bounds the connections of one node, and so the
	// transactions it has under way at once.
	postgresConnections = 16
	// migrationLock is the advisory lock under which the tables are changed.
	migrationLock = 0x7365616c71756179 // "sealquay"
)

// The times after which PostgreSQL itself gives up, so that what a node that is
// cut off had under way holds nobody up for longer.
var postgresLimits = map[string]string{
	"statement_timeout":                   "10s",
	"lock_timeout":                        "5s",
	"idle_in_transaction_session_timeout": "5s",
	"tcp_user_timeout":                    "10s",
}

// postgresRows keeps rows in a PostgreSQL database that many nodes share. Each
// job has a transaction of its own, at READ COMMITTED: what one job must not
// see another do in its midst is held off by tx.lock and by the unique indexes.
type postgresRows struct {
	db *sqlx.DB
	patience
	looking bool     // nothing may be changed
	rebound sync.Map // query → the same with $1
	commits measure.Times

	mu     sync.Mutex
	closed bool
	jobs   sync.WaitGroup
}

// openPostgres connects to the database of the options' DSN, in the form of a
// URL or of keywords, and brings its tables up to date. No error of it holds the
// DSN's password.
func openPostgres(ctx context.Context, o Options) (*postgresRows, error) {
	db, err := connectPostgres(o.Postgres, o.Durability)
	if err != nil {
		return nil, err
	}
	if err := checkSettings(ctx, db, o); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := migrateShared(ctx, db, postgresMigrations()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &postgresRows{db: db, patience: usualPatience}, nil
}

// openPostgresReadOnly connects to look at the rows of a database whose tables
// are there.
func openPostgresReadOnly(ctx context.Context, dsn string) (*postgresRows, error) {
	db, err := connectPostgres(dsn, Full)
	if err != nil {
		return nil, err
	}
	if err := checkMigrations(ctx, db, postgresMigrations()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &postgresRows{db: db, patience: usualPatience, looking: true}, nil
}

// openPostgresBeside connects to change single rows beside the nodes.
func openPostgresBeside(ctx context.Context, dsn string) (*postgresRows, error) {
	rows, err := openPostgresReadOnly(ctx, dsn)
	if err != nil {
		return nil, err
	}
	rows.looking = false
	return rows, nil
}

func connectPostgres(dsn string, durability Durability) (*sqlx.DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, explainDSN(err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 3 * time.Second
	}
	given := config.RuntimeParams
	for name, value := range postgresLimits {
		if _, ok := given[name]; !ok {
			given[name] = value
		}
	}
	if _, ok := given["application_name"]; !ok {
		given["application_name"] = "sealquay"
	}
	if _, ok := given["synchronous_commit"]; !ok && durability == Full {
		given["synchronous_commit"] = "on"
	}
	connector := explained{stdlib.GetConnector(*config, stdlib.OptionAfterConnect(timesInUTC))}
	db := sqlx.NewDb(sql.OpenDB(connector), postgresDriver)
	db.SetMaxOpenConns(postgresConnections)
	db.SetMaxIdleConns(postgresConnections)
	db.SetConnMaxIdleTime(time.Minute)
	return db, nil
}

// timesInUTC has a connection return times as the tables mean them.
func timesInUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

// migrateShared migrates while no other node does. All of it goes over the
// connection that holds the lock: of a node that is killed meanwhile PostgreSQL
// may carry out one more statement, and keeps the lock until that is done.
func migrateShared(ctx context.Context, db *sqlx.DB, known []migration) (err error) {
	conn, err := db.Connx(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	// The lock is waited for as long as another node migrates.
	if _, err := conn.ExecContext(ctx, `SET lock_timeout = 0; SET statement_timeout = 0`); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		return err
	}
	defer func() {
		_, unlocking := conn.ExecContext(context.WithoutCancel(ctx),
			`SELECT pg_advisory_unlock_all(); RESET lock_timeout; RESET statement_timeout`)
		err = errors.Join(err, unlocking)
	}()
	return migrate(ctx, conn, known)
}

func (r *postgresRows) close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.jobs.Wait()
	return r.db.Close()
}

// enter counts a job as under way, unless the rows are closed.
func (r *postgresRows) enter() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	r.jobs.Add(1)
	return nil
}

// rebind turns the placeholders of a query into PostgreSQL's own.
func (r *postgresRows) rebind(query string) string {
	if found, ok := r.rebound.Load(query); ok {
		return found.(string)
	}
	made := r.db.Rebind(query)
	r.rebound.Store(query, made)
	return made
}

// verify reads everything there is when deep, so that PostgreSQL compares the
// checksums of its pages, where it has such. Else it asks for a sign of life:
// PostgreSQL has no quick check.
func (r *postgresRows) verify(ctx context.Context, deep bool) (damage []string, err error) {
	if !deep {
		return nil, r.db.PingContext(ctx)
	}
	for _, table := range []string{"clients", "files", "versions", "uploads", "store", "owners", "usage", "pending_keys"} {
		if err := r.readAll(ctx, table); hasClass(err, "XX") {
			damage = append(damage, fmt.Sprintf("table %s: %v", table, err))
		} else if err != nil {
			return damage, err
		}
	}
	return damage, nil
}

// readAll reads every row of a table, whole, as often as it takes.
func (r *postgresRows) readAll(ctx context.Context, table string) error {
	inside, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = inside.Rollback() }() // nothing was changed
	_, err = inside.ExecContext(ctx, `SET LOCAL statement_timeout = 0; SELECT sum(length(each::text)) FROM `+table+` AS each`)
	return err
}

func (r *postgresRows) copyTo(context.Context, string) error {
	return errors.New("the rows are in PostgreSQL: back them up with pg_dump, or with the tools of whoever runs it")
}
