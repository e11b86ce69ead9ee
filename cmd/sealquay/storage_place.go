package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/persistence"
)

// storagePlace says where the configuration has rows and content.
func storagePlace(cfg *config.Config) (persistence.Options, error) {
	o := persistence.Options{DataDir: cfg.DataDir, Lease: cfg.Storage.Lease}
	if cfg.Storage.Rows != config.RowsPostgres {
		return o, nil
	}
	o.Postgres = cfg.Storage.Postgres
	if cfg.Storage.PostgresFile == "" {
		return o, nil
	}
	text, err := os.ReadFile(cfg.Storage.PostgresFile)
	if err != nil {
		return o, fmt.Errorf("storage.postgres_file: %w", err)
	}
	if o.Postgres = strings.TrimSpace(string(text)); o.Postgres == "" {
		return o, fmt.Errorf("storage.postgres_file: %s is empty", cfg.Storage.PostgresFile)
	}
	return o, nil
}
