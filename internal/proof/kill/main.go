// Command kill proves that kill -9 loses nothing that was acknowledged. It
// builds the server, lets clients send files to it, kills it at random moments,
// starts it again on the same data, and compares what is there with what was
// acknowledged:
//
//	go run ./internal/proof/kill -kills 1000
//
// After each restart, every file whose 2104 was received is there, whole and
// verified; no file is there whose 1104 was not sent; check --deep agrees;
// every registration that was approved is in the table, once; every client whose
// revocation was confirmed is shut out. At the end the hook has been told of
// every verified file, with a valid signature, and of no other. It prints its
// figures, and its exit status is 1 when something is wrong.
//
// It serves on the loopback interface and kills only the processes it started.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	s := settings{}
	flag.IntVar(&s.Kills, "kills", 100, "how often the server is killed")
	flag.IntVar(&s.Clients, "clients", 16, "clients at once")
	flag.Uint64Var(&s.Seed, "seed", uint64(time.Now().UnixNano()), "of contents, choices and moments")
	flag.DurationVar(&s.Longest, "longest", 500*time.Millisecond, "most time between ready and kill")
	limit := flag.Duration("timeout", time.Hour, "most time for all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	if err := prove(ctx, s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "kill:", err)
		os.Exit(1)
	}
}

// prove runs in a directory of its own and prints its figures to w. It fails
// when the proof does.
func prove(ctx context.Context, s settings, w io.Writer) (err error) {
	if s.Dir, err = os.MkdirTemp("", "sealquay-kill-*"); err != nil {
		return err
	}
	fmt.Fprintf(w, "seed %d\n", s.Seed)
	d, err := newDriver(ctx, s)
	if err == nil {
		defer d.hook.Close()
		err = d.run(ctx, w)
		d.print(w)
		if err == nil && len(d.report.faults) > 0 {
			err = fmt.Errorf("%d things are wrong; the data is left in %s", len(d.report.faults), s.Dir)
		}
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(s.Dir)
}
