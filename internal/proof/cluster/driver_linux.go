package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/proof/account"
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

	failures atomic.Int64
	did      map[string]int           // faults by kind
	took     map[string]time.Duration // from a fault until all serve again, by kind
	verdict  account.Verdict
	faults   []string
}

func newDriver(s settings, on *stage) *driver {
	return &driver{
		settings: s, stage: on,
		random:   rand.New(rand.NewPCG(s.Seed, 0)),
		files:    account.New(s.Seed),
		approved: map[string]codec.ClientID{},
		did:      map[string]int{},
		took:     map[string]time.Duration{},
	}
}

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

// run races for names, then does the faults under load, then lets the cluster
// come to rest and judges.
func (d *driver) run(ctx context.Context) (err error) {
	if d.key, err = client.NewKey(); err != nil {
		return err
	}
	if err := d.race(ctx); err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	var clients sync.WaitGroup
	for number := range d.Clients {
		w := &worker{driver: d, number: number, random: rand.New(rand.NewPCG(d.Seed, uint64(number)+1))}
		clients.Go(func() { w.work(working) })
	}
	for n := 0; n < d.Faults && err == nil; n++ {
		d.pause(ctx)
		err = d.fault(ctx)
	}
	d.pause(ctx)
	stop()
	clients.Wait()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	return d.judge(ctx)
}

// race has many clients ask for each of some names at once.
func (d *driver) race(ctx context.Context) error {
	for n := range d.Names {
		name := fmt.Sprintf("race %d", n)
		var won atomic.Int64
		failed := make(chan error, d.Racers)
		var racers sync.WaitGroup
		for number := range d.Racers {
			w := &worker{driver: d, number: number}
			racers.Go(func() {
				first, err := w.race(ctx, name)
				if err != nil {
					failed <- err
				} else if first {
					won.Add(1)
				}
			})
		}
		racers.Wait()
		select {
		case err := <-failed:
			return fmt.Errorf("race for a name: %w", err)
		default:
		}
		if won.Load() != 1 {
			d.wrong("%q was approved %d times", name, won.Load())
		}
	}
	return nil
}

func (d *driver) pause(ctx context.Context) {
	select {
	case <-time.After(d.Longest/4 + time.Duration(d.random.Int64N(int64(d.Longest)*3/4+1))):
	case <-ctx.Done():
	}
}

// fault ends something, now and then in good order, and starts it again.
func (d *driver) fault(ctx context.Context) error {
	n := d.stage.nodes[d.random.IntN(len(d.stage.nodes))]
	start := time.Now()
	restarting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var kind string
	var err error
	switch chance := d.random.IntN(20); {
	case chance < 10:
		kind = "kill -9 of a node"
		if err = n.server.Kill(); err == nil {
			err = n.start(ctx)
		}
	case chance < 13:
		kind = "kill -9 of PostgreSQL"
		d.stage.postgres.Kill()
		time.Sleep(time.Duration(d.random.IntN(1000)) * time.Millisecond)
		err = d.stage.postgres.Restart(restarting)
	case chance < 16:
		kind = "kill -9 of S3"
		d.stage.s3.Kill()
		time.Sleep(time.Duration(d.random.IntN(1000)) * time.Millisecond)
		err = d.stage.s3.Restart(restarting)
	default:
		kind = "stop of a node"
		if err = n.server.Stop(); err == nil {
			err = n.start(ctx)
		}
	}
	d.did[kind]++
	d.took[kind] = max(d.took[kind], time.Since(start))
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	return nil
}

// mostShown bounds how much of what is wrong is printed.
const mostShown = 20

func (d *driver) print(w io.Writer) {
	for _, kind := range slices.Sorted(func(yield func(string) bool) {
		for kind := range d.did {
			if !yield(kind) {
				return
			}
		}
	}) {
		fmt.Fprintf(w, "%-21s %d, the longest %v until it served again\n", kind, d.did[kind], d.took[kind].Round(time.Millisecond))
	}
	fmt.Fprintf(w, "acknowledged          %d uploads of %d clients\n", d.files.Acknowledged(), d.Clients)
	fmt.Fprintf(w, "1104 without answer   %d, of which %d came to be\n", d.verdict.Doubted, d.verdict.Survived)
	fmt.Fprintf(w, "sessions that failed  %d, and were begun again\n", d.failures.Load())
	fmt.Fprintf(w, "raced for             %d names by %d clients each\n", d.Names, d.Racers)
	fmt.Fprintf(w, "there at the end      %d files, all read and compared\n", d.verdict.Files)
	for _, fault := range d.faults[:min(len(d.faults), mostShown)] {
		fmt.Fprintln(w, fault)
	}
	fmt.Fprintf(w, "wrong                 %d\n", len(d.faults))
}
