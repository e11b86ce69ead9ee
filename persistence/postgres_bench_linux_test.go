package persistence

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/sealquay/sealquay/internal/proof/postgres"
)

const benchWriters = 64

// BenchmarkPostgresWriters compares a transaction for each job, as the store has
// it, with transactions that many jobs share, each behind a savepoint. A job is
// the registration of a client. The database is on another machine: an answer
// takes a millisecond.
func BenchmarkPostgresWriters(b *testing.B) {
	job := func(run string, n int64) func(tx) error {
		name := fmt.Sprintf("%s %d", run, n)
		id := ClientID{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24), run[0]}
		return func(t tx) error { return insertClient(t, id, name) }
	}
	b.Run("own", func(b *testing.B) {
		rows := mustPostgres(b, farAway(b, postgresDSN(b)))
		defer rows.close()
		inParallel(b, benchWriters, func(n int64) error { return rows.update(b.Context(), job("own", n)) })
	})
	for _, writers := range []int{1, 4} {
		b.Run(fmt.Sprintf("shared/writers=%d", writers), func(b *testing.B) {
			rows := mustPostgres(b, farAway(b, postgresDSN(b)))
			defer rows.close()
			s := &sharedWriter{rows: rows, jobs: make(chan sharedJob, benchWriters)}
			var all sync.WaitGroup
			for range writers {
				all.Go(func() { s.write(b.Context()) })
			}
			inParallel(b, benchWriters, func(n int64) error {
				j := sharedJob{do: job("shared", n), done: make(chan error, 1)}
				s.jobs <- j
				return <-j.done
			})
			close(s.jobs)
			all.Wait()
		})
	}
}

// farAway leads to the database of a DSN through a network.
func farAway(b *testing.B, dsn string) string {
	at, database, _ := strings.Cut(strings.TrimPrefix(dsn, "postgres://"+postgres.User+"@"), "/")
	zerolog.SetGlobalLevel(zerolog.Disabled)
	proxy := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "network", "127.0.0.1:0", at)
	if err := proxy.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(proxy.Stop)
	if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(`{"type": "latency", "attributes": {"latency": 1}}`)); err != nil {
		b.Fatal(err)
	}
	return "postgres://" + postgres.User + "@" + proxy.Listen + "/" + database
}

// sharedWriter commits all jobs that wait in one transaction.
type sharedWriter struct {
	rows *postgresRows
	jobs chan sharedJob
}

type sharedJob struct {
	do   func(tx) error
	done chan error
}

func (s *sharedWriter) write(ctx context.Context) {
	for first := range s.jobs {
		batch := []sharedJob{first}
		for more := true; more && len(batch) < benchWriters; {
			select {
			case j, ok := <-s.jobs:
				if more = ok; ok {
					batch = append(batch, j)
				}
			default:
				more = false
			}
		}
		err := s.rows.update(ctx, func(t tx) error {
			for _, j := range batch {
				if _, err := t.exec(`SAVEPOINT job`); err != nil {
					return err
				}
				if err := j.do(t); err != nil {
					return err
				}
				if _, err := t.exec(`RELEASE SAVEPOINT job`); err != nil {
					return err
				}
			}
			return nil
		})
		for _, j := range batch {
			j.done <- err
		}
	}
}
