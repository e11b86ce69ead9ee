package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealquay/sealquay/internal/certificate"
	"github.com/sealquay/sealquay/internal/proof/postgres"
	"github.com/sealquay/sealquay/internal/proof/s3server"
)

// TestClusterOverTLS: the configuration leads to PostgreSQL and S3 over TLS when
// it names their authority, and says what would be right when it does not.
func TestClusterOverTLS(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "sealquay-tls-*") // the servers' users reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	trusted, key, err := certificate.Make(certificate.Request{Names: []string{"127.0.0.1"}, Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	stranger, _, err := certificate.Make(certificate.Request{Names: []string{"127.0.0.1"}, Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	right, wrong := filepath.Join(dir, "right.pem"), filepath.Join(dir, "wrong.pem")
	err = errors.Join(os.WriteFile(right, trusted, 0o600), os.WriteFile(wrong, stranger, 0o600),
		os.Mkdir(filepath.Join(dir, "rows"), 0o700), os.Mkdir(filepath.Join(dir, "content"), 0o700))
	if err != nil {
		t.Fatal(err)
	}
	starting, cancel := context.WithTimeout(t.Context(), processPatience)
	defer cancel()
	rows, err := postgres.StartTLS(starting, filepath.Join(dir, "rows"), trusted, key)
	skipUnlessInstalled(t, err, postgres.ErrNotInstalled)
	t.Cleanup(rows.Kill)
	content, err := s3server.StartTLS(starting, filepath.Join(dir, "content"), trusted, key)
	skipUnlessInstalled(t, err, s3server.ErrNotInstalled)
	t.Cleanup(content.Kill)

	for name, value := range map[string]string{
		"SEALQUAY_STORAGE_ROWS": "postgres", "SEALQUAY_STORAGE_CONTENT": "s3", "SEALQUAY_S3_ENDPOINT": content.URL(),
		"SEALQUAY_S3_BUCKET": s3server.Bucket, "SEALQUAY_S3_REGION": s3server.Region, "SEALQUAY_S3_TIMEOUT": "10s",
		"AWS_ACCESS_KEY_ID": s3server.AccessKey, "AWS_SECRET_ACCESS_KEY": s3server.SecretKey,
	} {
		t.Setenv(name, value)
	}
	trust := func(forRows, forContent string) {
		t.Setenv("SEALQUAY_STORAGE_POSTGRES", fmt.Sprintf("postgres://%s@%s/postgres?sslmode=verify-full&sslrootcert=%s", postgres.User, rows.Addr(), forRows))
		t.Setenv("SEALQUAY_S3_CA_FILE", forContent)
	}
	trust(right, right)
	if status, report, complaint := migrate(t, "--from-seed", "../../internal/seed/testdata/good"); status != 0 || report.Files != 4 {
		t.Fatalf("status %d, %+v\n%s", status, report, complaint)
	}
	var out, complaint bytes.Buffer
	if status := run([]string{"check", "--deep"}, console{strings.NewReader(""), &out, &complaint}); status != 0 || !strings.HasPrefix(out.String(), "4 files") {
		t.Errorf("check: status %d\n%s%s", status, &out, &complaint)
	}
	for _, untrusted := range []struct{ forRows, forContent, want string }{
		{wrong, right, "sslrootcert"},
		{right, wrong, "s3.ca_file"},
	} {
		trust(untrusted.forRows, untrusted.forContent)
		complaint.Reset()
		if status := run([]string{"serve", "--port", "0"}, console{strings.NewReader(""), &out, &complaint}); status != 1 || !strings.Contains(complaint.String(), untrusted.want) {
			t.Errorf("status %d, want 1 and a word about %s\n%s", status, untrusted.want, &complaint)
		}
	}
}

// skipUnlessInstalled ends a test whose server could not be started.
func skipUnlessInstalled(t *testing.T, err, missing error) {
	t.Helper()
	if errors.Is(err, missing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}
