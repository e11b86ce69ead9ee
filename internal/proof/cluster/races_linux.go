package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/internal/proof/account"
)

// quotaFiles is how many files each client may have. Those that work have a few.
const quotaFiles = 150

// race has many clients ask for each of some names at once.
func (d *driver) race(ctx context.Context) error {
	for n := range d.Names {
		name := fmt.Sprintf("race %d", n)
		var won atomic.Int64
		err := d.rivals(func(w *worker) error {
			first, err := w.race(ctx, name)
			if first {
				won.Add(1)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("race for a name: %w", err)
		}
		if won.Load() != 1 {
			d.wrong("%q was approved %d times", name, won.Load())
		}
	}
	return nil
}

// rivals runs as many clients as race at once, and returns one of their errors.
func (d *driver) rivals(run func(w *worker) error) error {
	failed := make(chan error, d.Racers)
	var all sync.WaitGroup
	for number := range d.Racers {
		w := &worker{driver: d, number: number}
		all.Go(func() {
			if err := run(w); err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	close(failed)
	return <-failed
}

// raceForRoom has many connections of one client, over all nodes, send new
// files until each is refused. The quota holds, and is used up.
func (d *driver) raceForRoom(ctx context.Context) error {
	first := &worker{driver: d, name: "quota"}
	s, err := client.Dial(ctx, client.Options{Server: d.stage.balancer.addr, Timeout: stall})
	if err != nil {
		return err
	}
	first.id, err = s.Register(ctx, first.name)
	s.Close()
	if err != nil {
		return err
	}
	d.approve(first.name, first.id)
	var stored atomic.Int64
	err = d.rivals(func(w *worker) error {
		w.name, w.id = first.name, first.id
		n, err := w.fill(ctx)
		stored.Add(n)
		return err
	})
	if err != nil {
		return fmt.Errorf("race for room: %w", err)
	}
	d.room = stored.Load()
	said, err := d.ask(ctx, fmt.Sprintf(`SELECT (SELECT count(*) FROM files WHERE ID = c.ID AND Verified), u.Files
		FROM clients c JOIN usage u ON u.ID = c.ID WHERE c.Name = '%s'`, first.name))
	if err != nil {
		return err
	}
	if want := fmt.Sprintf("%d|%[1]d", quotaFiles); d.room != quotaFiles || said != want {
		d.wrong("of %d files that the quota allows %d were acknowledged; files and usage are %s", quotaFiles, d.room, said)
	}
	return nil
}

// fill sends new files until one is refused, and counts them.
func (w *worker) fill(ctx context.Context) (stored int64, err error) {
	wire := new(wire)
	s, err := client.Dial(ctx, client.Options{Server: w.driver.stage.balancer.addr, Dial: wire.dial, Timeout: stall})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	s.Resume(w.id)
	if err := s.ExchangeKey(ctx, w.name, w.driver.key); err != nil {
		return 0, err
	}
	for ; ; stored++ {
		f := account.File{Client: w.name, Name: fmt.Sprintf("file %d.%d", w.number, stored)}
		version, content := w.driver.files.Begin(f)
		wire.accepts = func() { w.driver.files.Doubt(f, version) }
		_, err := s.Send(ctx, client.File{Name: f.Name, Size: int64(len(content)), Content: bytes.NewReader(content)}, nil)
		if errors.Is(err, client.ErrRefused) {
			return stored, nil
		}
		if err != nil {
			return stored, err
		}
		w.driver.files.Acknowledge(f, version)
	}
}

// ask runs a statement beside the nodes.
func (d *driver) ask(ctx context.Context, statement string) (string, error) {
	return d.stage.postgres.Ask(ctx, d.stage.database, statement)
}
