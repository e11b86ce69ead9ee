package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/sealquay/sealquay/internal/proof/postgres"
	"github.com/sealquay/sealquay/internal/proof/s3server"
	"github.com/sealquay/sealquay/persistence"
)

const (
	// lease is the shortest: what a kill leaves is swept when it is over.
	lease = 3 * time.Second
	// rest is how long that may take.
	rest = 30 * time.Second
	// patience is for servers to start.
	patience = time.Minute
)

// toCluster moves a server's storage to PostgreSQL and S3.
type toCluster struct {
	source   string
	seed     uint64
	postgres *postgres.Server
	s3       *s3server.Server
	look     *minio.Client

	access string // file of credentials

	rounds   int
	database string
}

// newToCluster makes the source and starts the servers. The caller ends it.
func newToCluster(ctx context.Context, dir string, seed uint64) (w *toCluster, err error) {
	w = &toCluster{source: filepath.Join(dir, "source"), seed: seed, access: filepath.Join(dir, "credentials")}
	defer func() {
		if err != nil {
			w.end()
		}
	}()
	forPostgres, forS3 := filepath.Join(dir, "postgres"), filepath.Join(dir, "s3")
	if err := errors.Join(os.Mkdir(dir, 0o711), os.Mkdir(forPostgres, 0o700), os.Mkdir(forS3, 0o700)); err != nil {
		return w, err
	}
	access := fmt.Sprintf("[default]\naws_access_key_id=%s\naws_secret_access_key=%s\n", s3server.AccessKey, s3server.SecretKey)
	if err := os.WriteFile(w.access, []byte(access), 0o600); err != nil {
		return w, err
	}
	if err := fill(ctx, w.source, seed); err != nil {
		return w, err
	}
	starting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if w.postgres, err = postgres.Start(starting, forPostgres); err != nil {
		return w, err
	}
	if w.s3, err = s3server.Start(starting, forS3); err != nil {
		return w, err
	}
	w.look, err = minio.New(w.s3.Addr(), &minio.Options{Creds: credentials.NewStaticV4(s3server.AccessKey, s3server.SecretKey, ""), Region: s3server.Region})
	return w, err
}

func (w *toCluster) end() {
	if w.s3 != nil {
		w.s3.Kill()
	}
	if w.postgres != nil {
		w.postgres.Kill()
	}
}

func (w *toCluster) String() string { return "a server's storage to PostgreSQL and S3" }

func (w *toCluster) prefix() string { return fmt.Sprintf("round-%d", w.rounds) }

func (w *toCluster) begin(ctx context.Context) (args, settings []string, err error) {
	w.rounds++
	if w.database, err = w.postgres.Database(ctx, ""); err != nil {
		return nil, nil, err
	}
	return []string{"--from", w.source}, []string{
		"SEALQUAY_STORAGE_ROWS=postgres", "SEALQUAY_STORAGE_POSTGRES=" + postgres.DSN(w.postgres.Addr(), w.database),
		"SEALQUAY_STORAGE_LEASE=" + lease.String(), "SEALQUAY_STORAGE_CONTENT=s3", "SEALQUAY_S3_ENDPOINT=" + w.s3.URL(),
		"SEALQUAY_S3_BUCKET=" + s3server.Bucket, "SEALQUAY_S3_PREFIX=" + w.prefix(), "SEALQUAY_S3_REGION=" + s3server.Region,
		"SEALQUAY_S3_PART_SIZE=5MiB", "SEALQUAY_S3_CREDENTIALS_FILE=" + w.access,
	}, nil
}

func (w *toCluster) killed(ctx context.Context) (state string, err error) {
	tables, err := w.ask(ctx, "SELECT count(*) FROM pg_class WHERE relname = 'uploads'")
	if err != nil || tables == "0" {
		return "without tables", err
	}
	parts, err := w.multipart(ctx)
	if err != nil || parts > 0 {
		return "with a multipart upload open, of this kill or one shortly before", err
	}
	uploads, err := w.ask(ctx, "SELECT count(*) FROM uploads")
	if uploads != "0" {
		return "with an upload under way, of this kill or one shortly before", err
	}
	return "between two uploads", err
}

func (w *toCluster) ask(ctx context.Context, statement string) (string, error) {
	return w.postgres.Ask(ctx, w.database, statement)
}

// multipart counts the multipart uploads that are open.
func (w *toCluster) multipart(ctx context.Context) (n int, err error) {
	for upload := range w.look.ListIncompleteUploads(ctx, s3server.Bucket, w.prefix()+"/", true) {
		if upload.Err != nil {
			return n, upload.Err
		}
		n++
	}
	return n, nil
}

func (w *toCluster) objects(ctx context.Context) (n int64, err error) {
	for object := range w.look.ListObjects(ctx, s3server.Bucket, minio.ListObjectsOptions{Prefix: w.prefix() + "/", Recursive: true}) {
		if object.Err != nil {
			return n, object.Err
		}
		n++
	}
	return n, nil
}

func (*toCluster) contents() int64 { return clients * (files - 1 + versions) }

func (w *toCluster) options() persistence.Options {
	return persistence.Options{
		Postgres: postgres.DSN(w.postgres.Addr(), w.database), Lease: lease,
		S3: &persistence.S3{Endpoint: w.s3.URL(), Bucket: s3server.Bucket, Prefix: w.prefix(), Region: s3server.Region, Credentials: w.access},
	}
}

// judge opens the target as a node does, which sweeps.
func (w *toCluster) judge(ctx context.Context) (wrong []string, err error) {
	err = with(ctx, w.options(), func(to *persistence.Store) error {
		if err := w.awaitRest(ctx); err != nil {
			return err
		}
		from, err := persistence.OpenReadOnly(ctx, persistence.Options{DataDir: w.source})
		if err != nil {
			return err
		}
		defer from.Close()
		for _, look := range []func() ([]string, error){
			func() ([]string, error) { return swept(ctx, to) },
			func() ([]string, error) { return checked(ctx, to) },
			func() ([]string, error) { return compareRows(ctx, from, to) },
			func() ([]string, error) { return compareContents(ctx, to, w.expected()) },
			func() ([]string, error) { return w.leftovers(ctx) },
		} {
			found, err := look()
			if wrong = append(wrong, found...); err != nil {
				return err
			}
		}
		return nil
	})
	return wrong, err
}

// awaitRest waits until every upload that a kill left is removed.
func (w *toCluster) awaitRest(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, rest)
	defer cancel()
	for {
		left, err := w.ask(ctx, "SELECT count(*) FROM uploads")
		if err != nil {
			return err
		}
		if left == "0" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s rows of uploads are left: %w", left, ctx.Err())
		case <-time.After(50 * time.Millisecond): // PostgreSQL has nothing to wait for
		}
	}
}

func (w *toCluster) expected() (all []content) {
	for client := range clients {
		for file := range files {
			last := 1
			if file == 0 {
				last = versions
			}
			for version := range last {
				all = append(all, content{fmt.Sprintf("client %d", client), fileName(file), int64(version) + 1, contentOf(w.seed, client, file, version)})
			}
		}
	}
	return all
}

// leftovers asks the store itself for what no row accounts for.
func (w *toCluster) leftovers(ctx context.Context) (wrong []string, err error) {
	objects, err := w.objects(ctx)
	if err != nil {
		return nil, err
	}
	if objects != w.contents() {
		wrong = append(wrong, fmt.Sprintf("%d objects are in the store, want %d", objects, w.contents()))
	}
	parts, err := w.multipart(ctx)
	if parts > 0 {
		wrong = append(wrong, fmt.Sprintf("%d multipart uploads are left", parts))
	}
	return wrong, err
}
