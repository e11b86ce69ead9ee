// Command registration proves that registration is linearizable, across kills
// of the server: clients race for the same names, the server is killed at
// random moments and started again, and of every name all that was asked and
// answered is explained by one order, in which the name is given once.
//
//	go run ./internal/proof/registration -kills 1000
//
// The orders are searched by porcupine (Horn and Kroening, Faster
// linearizability checking via P-compositionality, 2015).
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
	flag.IntVar(&s.Clients, "clients", 12, "clients at once")
	flag.Uint64Var(&s.Seed, "seed", uint64(time.Now().UnixNano()), "of choices and moments")
	limit := flag.Duration("timeout", time.Hour, "most time for all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	if err := prove(ctx, s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "registration:", err)
		os.Exit(1)
	}
}

// prove runs in a directory of its own and prints its figures to w. It fails
// when the proof does.
func prove(ctx context.Context, s settings, w io.Writer) (err error) {
	if s.Dir, err = os.MkdirTemp("", "sealquay-registration-*"); err != nil {
		return err
	}
	defer os.RemoveAll(s.Dir)
	fmt.Fprintf(w, "seed %d\n", s.Seed)
	d, err := newDriver(ctx, s)
	if err != nil {
		return err
	}
	if err := d.run(ctx, w); err != nil {
		return err
	}
	wrong, operations, longest := d.history.check()
	fmt.Fprintf(w, "kills          %d\nnames          %d\noperations     %d, at most %d on one name\nunknown ends   %d\nwrong          %d\n",
		d.Kills, len(d.names), operations, longest, d.history.unknown(), len(wrong))
	if len(wrong) > 0 {
		return fmt.Errorf("%d names: %s", len(wrong), wrong[0])
	}
	return nil
}
