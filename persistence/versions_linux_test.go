package persistence

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/sealquay/sealquay/internal/proof/postgres"
)

// upgrade brings the tables to the version after this program's, as a node of
// the next one does when it starts.
func upgrade(ctx context.Context, dsn, name, text string) error {
	db, err := connectPostgres(dsn, Full)
	if err != nil {
		return err
	}
	known := append(postgresMigrations(), migration{len(postgresMigrations()) + 1, name, text, "checksum of the next"})
	return errors.Join(migrateShared(ctx, db, known), db.Close())
}

// TestAdjacentVersionsSideBySide: when the next version's migration is
// compatible, nodes of this one go on, and start, while nodes of the next work
// on the same rows.
func TestAdjacentVersionsSideBySide(t *testing.T) {
	c := newCluster(t)
	running := c.node(t)
	id := register(t, running, "anna")
	under := receive(t, running, id, "under way.txt", []byte("under way"))
	if err := upgrade(t.Context(), c.dsn, "later"+compatible, `ALTER TABLE files ADD COLUMN Later BIGINT NOT NULL DEFAULT 7`); err != nil {
		t.Fatal(err)
	}
	if err := under.Verify(t.Context()); err != nil {
		t.Errorf("an upload of before: %v", err)
	}
	started := c.node(t)
	verifyNew(t, started, id, "a.txt", "by this version")
	err := started.update(t.Context(), func(x tx) error { // as the next version does
		_, err := x.exec(`UPDATE files SET Later = 8 WHERE FileName = 'a.txt'`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	verifyNew(t, running, id, "a.txt", "replaced by this version")
	var later []int64
	err = running.view(t.Context(), func(x tx) error {
		return x.list(&later, `SELECT Later FROM files ORDER BY FileName`)
	})
	if err != nil || len(later) != 2 || later[0] != 8 || later[1] != 7 {
		t.Errorf("what the next version keeps is %v, want 8 and 7; %v", later, err)
	}
	reading, err := OpenReadOnly(t.Context(), c.options(c.dsn))
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	if got := contentOf(t, reading, "under way.txt"); got != "under way" {
		t.Errorf("read beside the next version: %q", got)
	}
	mustAgree(t, running)
}

// TestIncompatibleVersionIsRefused: a node does not start on tables that the
// next version has made other than compatible, or that are two versions ahead.
// One that runs goes on.
func TestIncompatibleVersionIsRefused(t *testing.T) {
	c := newCluster(t)
	running := c.node(t)
	id := register(t, running, "anna")
	if err := upgrade(t.Context(), c.dsn, "later", `CREATE TABLE later (One INTEGER)`); err != nil {
		t.Fatal(err)
	}
	for what, open := range map[string]func(context.Context, Options) (*Store, error){"open": Open, "open read only": OpenReadOnly} {
		_, err := open(t.Context(), c.options(c.dsn))
		if !errors.Is(err, ErrNewerDatabase) || !strings.Contains(err.Error(), "this program knows") {
			t.Errorf("%s: %v", what, err)
		}
	}
	verifyNew(t, running, id, "a.txt", "content")
	mustAgree(t, running)
}

// TestVersionsStartTogether: nodes of two adjacent versions that start at once
// on an empty database change the tables once, each to what it knows.
func TestVersionsStartTogether(t *testing.T) {
	server := startPostgres(t)
	name, err := server.Database(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	dsn := postgres.DSN(server.Addr(), name)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if err := upgrade(t.Context(), dsn, "later"+compatible, `CREATE TABLE later (One INTEGER)`); err != nil {
				t.Errorf("the next version: %v", err)
			}
		})
		all.Go(func() {
			rows, err := openPostgres(t.Context(), Options{Postgres: dsn})
			if err != nil {
				t.Errorf("this version: %v", err)
			} else if err := rows.close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
