package persistence

import "testing"

// TestRacingNodesStayWithinTheQuota: two nodes over one PostgreSQL.
func TestRacingNodesStayWithinTheQuota(t *testing.T) {
	q := Quota{ClientBytes: 400, ClientFiles: 12, TotalBytes: 1000, TotalFiles: 40}
	dsn := postgresDSN(t)
	node := func() *Store {
		return openTest(t, Options{DataDir: fastDir(t), Durability: Relaxed, Quota: q, database: func(own database) database {
			if err := own.close(); err != nil {
				t.Error(err)
			}
			return mustPostgres(t, dsn)
		}})
	}
	raceForQuota(t, q, node(), node())
}
