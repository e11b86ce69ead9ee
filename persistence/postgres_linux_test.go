package persistence

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealquay/sealquay/internal/proof/postgres"
)

// testServer is one PostgreSQL server for all tests of the package, and a
// database at the last version of the tables, of which each test gets a copy.
var testServer struct {
	sync.Mutex
	*postgres.Server
	dir, template string
	err           error
}

// startPostgres returns the server, which it starts at the first call.
func startPostgres(t testing.TB) *postgres.Server {
	t.Helper()
	testServer.Lock()
	defer testServer.Unlock()
	if testServer.Server == nil && testServer.err == nil {
		testServer.err = makeServer()
	}
	if errors.Is(testServer.err, postgres.ErrNotInstalled) && os.Getenv("CI") != "true" {
		t.Skip(testServer.err)
	}
	if testServer.err != nil {
		t.Fatal(testServer.err)
	}
	return testServer.Server
}

func makeServer() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if testServer.dir, err = os.MkdirTemp("/dev/shm", "sealquay-postgres-*"); err != nil {
		return err
	}
	server, err := postgres.Start(ctx, testServer.dir, "max_connections=200", "deadlock_timeout=100ms")
	if err != nil {
		return err
	}
	testServer.Server = server
	if testServer.template, err = server.Database(ctx, ""); err != nil {
		return err
	}
	rows, err := openPostgres(ctx, Options{Postgres: postgres.DSN(server.Addr(), testServer.template)})
	if err != nil {
		return err
	}
	return rows.close()
}

// stopPostgres ends the server when the tests are over.
func stopPostgres() {
	if testServer.Server != nil {
		testServer.Kill()
	}
	if testServer.dir != "" {
		_ = os.RemoveAll(testServer.dir)
	}
}

// postgresDSN makes a new database at the last version of the tables.
func postgresDSN(t testing.TB) string {
	t.Helper()
	server := startPostgres(t)
	testServer.Lock()
	defer testServer.Unlock()
	name, err := server.Database(t.Context(), testServer.template)
	if err != nil {
		t.Fatal(err)
	}
	return postgres.DSN(server.Addr(), name)
}

func mustPostgres(t testing.TB, dsn string) *postgresRows {
	t.Helper()
	rows, err := openPostgres(t.Context(), Options{Postgres: dsn})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestPostgresConforms(t *testing.T) {
	testDatabase(t, func(t testing.TB) database { return mustPostgres(t, postgresDSN(t)) })
}

// TestMigrationsKeepStep: both databases go through the same versions.
func TestMigrationsKeepStep(t *testing.T) {
	names := func(all []migration) (names []string) {
		for _, m := range all {
			names = append(names, m.name)
		}
		return names
	}
	if one, other := names(sqliteMigrations()), names(postgresMigrations()); !slices.Equal(one, other) {
		t.Errorf("SQLite has the migrations %q, PostgreSQL %q", one, other)
	}
}

// TestMigrationHoldsItsLock: the session that changes the tables is the one that
// holds the lock, so that no other node comes in between when this one is killed.
// No limit of time for a statement of everyday work ends it.
func TestMigrationHoldsItsLock(t *testing.T) {
	dsn := postgresDSN(t)
	db, err := connectPostgres(dsn, Full)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE seen (Holds BOOLEAN, Timeout TEXT)`); err != nil {
		t.Fatal(err)
	}
	all := postgresMigrations()
	all = append(all, migration{version: len(all) + 1, name: "look", text: `INSERT INTO seen SELECT EXISTS
		(SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted), current_setting('statement_timeout')`})
	if err := migrateShared(t.Context(), db, all); err != nil {
		t.Fatal(err)
	}
	var seen struct {
		Holds   bool
		Timeout string
	}
	if err := db.GetContext(t.Context(), &seen, `SELECT * FROM seen`); err != nil || !seen.Holds || seen.Timeout != "0" {
		t.Errorf("%+v, %v, want the lock held and no timeout", seen, err)
	}
	var left int
	if err := db.GetContext(t.Context(), &left, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); err != nil || left != 0 {
		t.Errorf("%d locks are left, %v", left, err)
	}
}

// TestNodesMigrateTogether: nodes that start at once change the tables once.
func TestNodesMigrateTogether(t *testing.T) {
	server := startPostgres(t)
	name, err := server.Database(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			rows, err := openPostgres(t.Context(), Options{Postgres: postgres.DSN(server.Addr(), name)})
			if err != nil {
				t.Error(err)
				return
			}
			if err := rows.close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestDSNIsNotTold: no error shows what the DSN holds.
func TestDSNIsNotTold(t *testing.T) {
	for _, dsn := range []string{
		"postgres://anna:hunter2@127.0.0.1:port/x", "password=hunter2 port=no", "postgres://anna:hunter2@127.0.0.1:1/x?connect_timeout=1",
	} {
		_, err := openPostgres(t.Context(), Options{Postgres: dsn})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}
