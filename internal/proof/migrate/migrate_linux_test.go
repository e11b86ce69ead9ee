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

// TestMigrate is the short form of the proof.
func TestMigrate(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program and kills it")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	err := prove(ctx, settings{Kills: 8, Seed: 1}, t.Output())
	for _, missing := range []error{postgres.ErrNotInstalled, s3server.ErrNotInstalled} {
		if err != nil && strings.Contains(err.Error(), missing.Error()) && os.Getenv("CI") != "true" {
			t.Skip(err)
		}
	}
	if err != nil {
		t.Error(err)
	}
}
