package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/proof/account"
)

const (
	// roundOf is after how many faults there is a judgement.
	roundOf = 20
	// largest is the size of contents in bytes: some take more than one part.
	largest = 12 << 20
)

// driver runs the clients, the faults, and the judgement.
type driver struct {
	settings
	stage  *stage
	random *rand.Rand
	key    *client.Key
	files  *account.Account

	mu       sync.Mutex
	approved map[string]codec.ClientID

	workers []*worker
	deck    []fault // still to come, before it is shuffled again
	seen    tallies
	room    int64 // files that the quota allowed
	judged  int
	cutOff  int // stops that did not wait for all conversations
	verdict account.Verdict
	faults  []string
}

func newDriver(s settings, on *stage) *driver {
	return &driver{
		settings: s, stage: on,
		random:   rand.New(rand.NewPCG(s.Seed, 0)),
		files:    account.NewBelow(largest, s.Seed),
		approved: map[string]codec.ClientID{},
		seen:     newTallies(),
	}
}

// wrong notes what is wrong. It is for the driver's goroutine.
func (d *driver) wrong(format string, args ...any) {
	d.faults = append(d.faults, fmt.Sprintf(format, args...))
}

// approve notes a registration, which no other may have had.
func (d *driver) approve(name string, id codec.ClientID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if before, twice := d.approved[name]; twice {
		d.wrong("%q was approved as %x and as %x", name, before, id)
	}
	d.approved[name] = id
}

// run races for names and for room, and then does the faults under load, in
// rounds. After each of these the cluster comes to rest and is judged.
func (d *driver) run(ctx context.Context) (err error) {
	if d.key, err = client.NewKey(); err != nil {
		return err
	}
	if err := errors.Join(d.race(ctx), d.raceForRoom(ctx)); err != nil {
		return err
	}
	if err := d.judge(ctx); err != nil {
		return err
	}
	for number := range d.Clients {
		d.workers = append(d.workers, &worker{driver: d, number: number, random: rand.New(rand.NewPCG(d.Seed, uint64(number)+1))})
	}
	for done := 0; done < d.Faults && err == nil; done += roundOf {
		err = d.underLoad(ctx, func() error { return d.round(ctx, min(roundOf, d.Faults-done)) })
	}
	return err
}

// round does so many faults, and then restarts all nodes, one after the other.
func (d *driver) round(ctx context.Context, faults int) error {
	for range faults {
		if len(d.deck) == 0 {
			d.deck = d.settings.deck()
			d.random.Shuffle(len(d.deck), func(i, j int) { d.deck[i], d.deck[j] = d.deck[j], d.deck[i] })
		}
		if err := d.cause(ctx, d.deck[0], d.stage.nodes[d.random.IntN(nodes)]); err != nil {
			return err
		}
		d.deck = d.deck[1:]
		d.pause(ctx)
	}
	for _, n := range d.stage.nodes {
		if err := d.cause(ctx, fault{kind: "rolling restart", do: stopNode}, n); err != nil {
			return err
		}
	}
	return nil
}

// underLoad does something while all clients send, and then judges.
func (d *driver) underLoad(ctx context.Context, do func() error) error {
	working, stop := context.WithCancel(ctx)
	var clients sync.WaitGroup
	for _, w := range d.workers {
		clients.Go(func() { w.work(working) })
	}
	d.pause(ctx)
	err := do()
	d.pause(ctx)
	d.seen.begin(atRest)
	stop()
	clients.Wait()
	if err := errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	return d.judge(ctx)
}

func (d *driver) pause(ctx context.Context) {
	select {
	case <-time.After(d.Longest/4 + time.Duration(d.random.Int64N(int64(d.Longest)*3/4+1))):
	case <-ctx.Done():
	}
}

// cause does a fault to a node, and waits until all nodes serve again.
func (d *driver) cause(ctx context.Context, f fault, n *node) error {
	d.seen.begin(f.kind)
	if err := f.do(ctx, d, n); err != nil {
		return fmt.Errorf("%s: %w", f.kind, err)
	}
	over := time.Now()
	for _, n := range d.stage.nodes {
		if err := n.awaitHealth(ctx, true); err != nil {
			return fmt.Errorf("after %s: %w", f.kind, err)
		}
	}
	d.seen.back(time.Since(over))
	return nil
}

// mostShown bounds how much of what is wrong is printed.
const mostShown = 20

func (d *driver) print(w io.Writer) {
	d.seen.print(w)
	fmt.Fprintf(w, "acknowledged          %d uploads of %d clients\n", d.files.Acknowledged(), d.Clients)
	fmt.Fprintf(w, "1104 without answer   %d, of which %d came to be\n", d.verdict.Doubted, d.verdict.Survived)
	fmt.Fprintf(w, "raced for             %d names by %d clients each; room for %d files by as many, of which %d were stored\n",
		d.Names, d.Racers, quotaFiles, d.room)
	fmt.Fprintf(w, "stops                 %d of them ended conversations that lasted beyond drain_timeout\n", d.cutOff)
	fmt.Fprintf(w, "judged                %d times\n", d.judged)
	fmt.Fprintf(w, "there at the end      %d files, all read and compared\n", d.verdict.Files)
	for _, fault := range d.faults[:min(len(d.faults), mostShown)] {
		fmt.Fprintln(w, fault)
	}
	fmt.Fprintf(w, "wrong                 %d\n", len(d.faults))
}
