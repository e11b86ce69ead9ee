// Command frames gives very many mutated frames to the decoders of both
// directions and both dialects, and holds what they say against the promises
// of codec: no panic, every byte is accounted for, pieces make no difference,
// and what parses is written back and parses to the same.
//
//	go run ./internal/proof/frames -frames 1000000000
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"time"
)

// settings say how much is tried. The same seed gives the same streams, for
// the same number of workers.
type settings struct {
	Frames  int64
	Workers int
	Seed    uint64
}

func main() {
	s := settings{}
	flag.Int64Var(&s.Frames, "frames", 10_000_000, "mutated frames in all")
	flag.IntVar(&s.Workers, "workers", runtime.GOMAXPROCS(0), "goroutines")
	flag.Uint64Var(&s.Seed, "seed", uint64(time.Now().UnixNano()), "of the mutations")
	limit := flag.Duration("timeout", 2*time.Hour, "most time for all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	if err := prove(ctx, s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "frames:", err)
		os.Exit(1)
	}
}

// prove prints its figures to w, and fails at the first promise that is broken.
func prove(ctx context.Context, s settings, w io.Writer) error {
	fmt.Fprintf(w, "seed %d\n", s.Seed)
	started := time.Now()
	workers := make([]*worker, s.Workers)
	broken := make(chan error, s.Workers)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	for i := range workers {
		workers[i] = newWorker(s.Seed, uint64(i), s.Frames/int64(s.Workers)+1)
		all.Go(func() {
			if err := workers[i].run(ctx); err != nil {
				broken <- err
				stop()
			}
		})
	}
	all.Wait()
	var sum counts
	for _, k := range workers {
		sum.add(k.counts)
	}
	sum.print(w, time.Since(started))
	select {
	case err := <-broken:
		return err
	default:
	}
	if sum.frames < s.Frames {
		return fmt.Errorf("%d of %d frames were tried: %w", sum.frames, s.Frames, context.Cause(ctx))
	}
	return nil
}
