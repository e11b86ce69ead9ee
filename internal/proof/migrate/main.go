//go:build linux

// Command migrate proves that kill -9 of `sealquay migrate` harms nothing. It
// moves a server's storage to PostgreSQL and S3, and what the seed's Python
// server left to a storage on disk; it kills the process at random moments and
// runs it again, until it ends by itself:
//
//	go run ./internal/proof/migrate -kills 200
//
// Then everything is there once, equal and verified, and nothing else: no
// object, no multipart upload and no file on the disk that no row claims. A
// further run finds nothing to do. It prints its figures, and its exit status is
// 1 when something is wrong.
//
// The servers are real ones on the loopback interface, and only processes that
// it started are ended.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sealquay/sealquay/internal/proof/program"
)

// settings of a run.
type settings struct {
	Kills int    // of each way to move
	Seed  uint64 // of contents and moments
}

func main() {
	var s settings
	flag.IntVar(&s.Kills, "kills", 100, "how often each way to move is killed")
	flag.Uint64Var(&s.Seed, "seed", uint64(time.Now().UnixNano()), "of contents and moments")
	limit := flag.Duration("timeout", time.Hour, "most time for all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	if err := prove(ctx, s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "migrate:", err)
		os.Exit(1)
	}
}

// prove runs in a directory of its own and prints its figures to w. It fails
// when the proof does.
func prove(ctx context.Context, s settings, w io.Writer) (err error) {
	fmt.Fprintf(w, "seed %d\n", s.Seed)
	dir, err := os.MkdirTemp("", "sealquay-migrate-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL runs as another user
		return err
	}
	built, err := program.Build(ctx, dir)
	if err != nil {
		return err
	}
	cluster, err := newToCluster(ctx, filepath.Join(dir, "cluster"), s.Seed)
	if err != nil {
		return err
	}
	defer cluster.end()
	seed, err := newFromSeed(ctx, filepath.Join(dir, "seed"), s.Seed)
	if err != nil {
		return err
	}
	wrong := 0
	for _, way := range []way{cluster, seed} {
		d := newDriver(s, built, way)
		err := d.run(ctx)
		d.print(w)
		if err != nil {
			return fmt.Errorf("%s: %w", way, err)
		}
		wrong += len(d.wrong)
	}
	if wrong > 0 {
		return fmt.Errorf("%d things are wrong", wrong)
	}
	return nil
}
