package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sealquay/sealquay/internal/proof/postgres"
	"github.com/sealquay/sealquay/internal/proof/s3server"
)

// TestCluster is the short form of the proof.
func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and kills servers")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	s := settings{Clients: 12, Racers: 64, Names: 2, Seed: 1, Longest: 400 * time.Millisecond, Away: 400 * time.Millisecond, Short: true}
	s.Faults = len(s.deck())
	if raced {
		s.Faults = 3
	}
	err := prove(ctx, s, t.Output())
	skipWithout(t, err)
	if err != nil {
		t.Error(err)
	}
}

// skipWithout skips a test that failed because a server is not installed, but
// where everything has to be.
func skipWithout(t *testing.T, err error) {
	t.Helper()
	for _, missing := range []error{postgres.ErrNotInstalled, s3server.ErrNotInstalled, errNoBalancer} {
		if err != nil && strings.Contains(err.Error(), missing.Error()) && os.Getenv("CI") != "true" {
			t.Skip(err)
		}
	}
}
