//go:build linux

// Command cluster proves that many nodes over PostgreSQL and S3 lose nothing
// that was acknowledged. It starts a PostgreSQL server, an S3 server, three
// nodes and HAProxy, sends files through HAProxy from many clients, kills nodes
// and both servers at random moments, takes nodes out in good order, and
// compares what is there with what was acknowledged:
//
//	go run ./internal/proof/cluster -faults 100
//
// At the end every file whose 2104 was received is there, whole and verified; no
// file is there whose 1104 was not sent; every object and every multipart upload
// of the store belongs to a row; every registration that was approved is in the
// table, once, and of the clients that raced for a name one got it. It prints
// its figures, and its exit status is 1 when something is wrong.
//
//	go run ./internal/proof/cluster -try
//
// starts the same for people to try, prints where it listens, and ends all of it
// at a signal.
//
// Everything is on the loopback interface and in a temporary directory, and only
// processes that it started are ended.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// settings of a run.
type settings struct {
	Faults  int
	Clients int
	Racers  int // for one name
	Names   int // that are raced for
	Seed    uint64
	Longest time.Duration // between two faults, and of those that last
	Away    time.Duration // for which a server is away from all nodes
	Only    string        // kind of fault; empty: all
	Short   bool          // without the faults that others come near
}

func main() {
	var s settings
	flag.IntVar(&s.Faults, "faults", 50, "how often something is killed or stopped")
	flag.IntVar(&s.Clients, "clients", 200, "clients at once")
	flag.IntVar(&s.Racers, "racers", 64, "clients that race for a name")
	flag.IntVar(&s.Names, "names", 20, "names that are raced for")
	flag.Uint64Var(&s.Seed, "seed", uint64(time.Now().UnixNano()), "of contents, choices and moments")
	flag.DurationVar(&s.Longest, "longest", 2*time.Second, "most time between two faults, and about how long one lasts")
	flag.DurationVar(&s.Away, "away", 12*time.Second, "time for which PostgreSQL, or S3, is away from all nodes")
	flag.StringVar(&s.Only, "only", "", "kind of fault to do, as the figures call it; all kinds without this")
	try := flag.Bool("try", false, "start a cluster and leave it to you until a signal")
	limit := flag.Duration("timeout", time.Hour, "most time for all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *try {
		err = tryOut(ctx, os.Stdout)
	} else {
		limited, cancel := context.WithTimeout(ctx, *limit)
		defer cancel()
		if err = s.check(); err == nil {
			err = prove(limited, s, os.Stdout)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// check refuses a kind of fault that there is not.
func (s settings) check() error {
	if len(s.deck()) == 0 {
		return fmt.Errorf("-only %q: no kind of fault is called so", s.Only)
	}
	return nil
}

// deck is the faults that a run draws from.
func (s settings) deck() (deck []fault) {
	for _, f := range faults() {
		if (s.Only == "" || s.Only == f.kind) && !(s.Short && f.long) {
			deck = append(deck, f)
		}
	}
	return deck
}

// tryEnd is the last line of what tryOut says before it waits.
const tryEnd = "End it with Ctrl-C."

// tryOut runs a cluster until ctx ends.
func tryOut(ctx context.Context, w io.Writer) error {
	fmt.Fprintln(w, "starting PostgreSQL, S3, three nodes and HAProxy ...")
	s, err := startStage(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	defer s.end()
	fmt.Fprintf(w, "clients   %s\n", s.balancer.addr)
	for _, n := range s.nodes {
		fmt.Fprintf(w, "node      %s, its metrics, health and live page at http://%s\n", n.addr(), n.admin())
	}
	fmt.Fprintf(w, "rows      %s\ncontent   bucket sealquay at %s\n\n", s.dsn(), s.s3.URL())
	fmt.Fprintf(w, "Send a file:\n  sealquay send --dir $(mktemp -d) --server %s --name anna FILE\n", s.balancer.addr)
	fmt.Fprintln(w, "Look at the storage, with these in the environment:")
	for _, setting := range s.settings() {
		name, value, _ := strings.Cut(setting, "=")
		fmt.Fprintf(w, "  export %s='%s'\n", name, value)
	}
	fmt.Fprintf(w, "  sealquay files list\n\n%s\n", tryEnd)
	<-ctx.Done()
	return nil
}

// prove runs a proof and prints its figures to w.
func prove(ctx context.Context, s settings, w io.Writer) error {
	fmt.Fprintf(w, "seed %d\n", s.Seed)
	stage, err := startStage(ctx)
	if err != nil {
		return err
	}
	defer stage.end()
	d := newDriver(s, stage)
	err = d.run(ctx)
	for _, what := range d.seen.unexpected() {
		d.wrong("%s", what)
	}
	d.print(w)
	if len(d.faults) > 0 {
		stage.show(w)
	}
	if err == nil && len(d.faults) > 0 {
		err = fmt.Errorf("%d things are wrong", len(d.faults))
	}
	return err
}
