//go:build !linux

package persistence

import "testing"

func stopPostgres() {} // tests start one on Linux only

func postgresDSN(t testing.TB) string {
	t.Skip("tests start PostgreSQL on Linux only")
	return ""
}
