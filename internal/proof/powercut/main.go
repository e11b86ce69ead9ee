// Command powercut proves that a power cut loses nothing that was acknowledged,
// on a real file system:
//
//	go run ./internal/proof/powercut -cuts 1000
//
// A device in memory keeps what was flushed, and a random part of the rest:
// whole writes, single sectors, or all up to some moment. It is a file in a
// FUSE file system; a loop device on it carries ext4; a process of its own uses
// package persistence there, and says what was acknowledged. The power fails at
// a random write or flush, or just when an acknowledgement is heard: from then
// on every request of the kernel fails. Then the disk is mounted again, the
// store opened, and every acknowledged file read and compared; check has to find
// nothing.
//
// The same is done with stores in which one step of a commit is left out. The
// proof must fail for each of them.
//
// It needs Linux, root, /dev/fuse, loop devices and mkfs.ext4.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	workIfAsked()
	s := settings{}
	flag.IntVar(&s.Cuts, "cuts", 100, "how often the power fails")
	flag.IntVar(&s.Writers, "writers", 8, "uploads at once")
	flag.Uint64Var(&s.Seed, "seed", uint64(time.Now().UnixNano()), "of contents, moments and losses")
	mutantCuts := flag.Int("mutant-cuts", 200, "how often the power fails at most for each step left out; 0 leaves out none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := proveIn(ctx, s, *mutantCuts, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "powercut:", err)
		os.Exit(1)
	}
}

// mostShown bounds how many faults of a run are printed.
const mostShown = 10

// proveIn runs in a directory of its own and prints its figures to w. It fails
// when the proof does, or when it does not fail for a mutant.
func proveIn(ctx context.Context, s settings, mutantCuts int, w io.Writer) (err error) {
	if err := unsupported(); err != nil {
		return fmt.Errorf("this machine cannot do it: %w", err)
	}
	dir, err := os.MkdirTemp("", "sealquay-powercut-*")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			err = os.RemoveAll(dir)
		}
	}()
	fmt.Fprintf(w, "seed %d\n", s.Seed)
	d, err := newDriver(dir, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := proveCorrect(ctx, d, w); err != nil {
		return err
	}
	if mutantCuts == 0 {
		return nil
	}
	return proveMutants(ctx, d, mutantCuts, w)
}

func proveCorrect(ctx context.Context, d *driver, w io.Writer) error {
	r, err := d.prove(ctx, correct, d.Cuts, func(r *result) {
		fmt.Fprintf(w, "%d cuts, %d acknowledged, %d lost\n", r.cuts, r.acknowledged, r.lost)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "power cuts            %d, %d of them meant for the time before the store was open\n", r.cuts, r.opening)
	fmt.Fprintf(w, "acknowledged          %d uploads\n", r.acknowledged)
	fmt.Fprintf(w, "lost                  %d\n", r.lost)
	fmt.Fprintf(w, "Verify under way      %d, of which %d came to be\n", r.doubted, r.survived)
	fmt.Fprintf(w, "pieces not flushed    %d, of which %d reached the disk\n", r.pieces, r.kept)
	for _, fault := range r.faults[:min(len(r.faults), mostShown)] {
		fmt.Fprintln(w, fault)
	}
	if len(r.faults) > 0 {
		return fmt.Errorf("%d things are wrong", len(r.faults))
	}
	return nil
}

// proveMutants shows that the proof fails where it has to.
func proveMutants(ctx context.Context, d *driver, cuts int, w io.Writer) error {
	fmt.Fprintf(w, "\n%-38s %6s %13s %6s  %s\n", "left out", "cuts", "acknowledged", "lost", "what was found first")
	var unseen []error
	for _, m := range mutants() {
		most := cuts
		if m.hidden != "" {
			most = min(cuts, cutsOfImage)
		}
		r, err := d.prove(ctx, m.name, most, func(*result) {})
		if err != nil {
			return fmt.Errorf("without the %s: %w", m.name, err)
		}
		first := "nothing"
		switch {
		case len(r.faults) > 0:
			first = fmt.Sprintf("%.80s", r.faults[0])
		case m.hidden != "":
			first = "nothing: " + m.hidden
		default:
			unseen = append(unseen, fmt.Errorf("without the %s the proof does not fail", m.name))
		}
		fmt.Fprintf(w, "%-38s %6d %13d %6d  %s\n", m.name, r.cuts, r.acknowledged, r.lost, first)
	}
	return errors.Join(unseen...)
}
