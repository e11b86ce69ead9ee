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
	if cfg.Storage.Content == config.ContentS3 {
		o.S3 = s3Options(cfg.S3)
	}
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

func s3Options(c config.S3) *persistence.S3 {
	return &persistence.S3{
		Endpoint:    c.Endpoint,
		Bucket:      c.Bucket,
		Prefix:      c.Prefix,
		Region:      c.Region,
		Credentials: c.CredentialsFile,
		CAFile:      c.CAFile,
		PartSize:    c.PartSize,
		Memory:      c.Memory,
		SpoolDir:    c.SpoolDir,
		Timeout:     c.Timeout,
	}
}
