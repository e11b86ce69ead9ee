package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/proof/program"
)

const (
	stall       = 30 * time.Second
	namesOfLife = 12 // that are new in a life of the server
	recentNames = 3 * namesOfLife
	// longest is the most time from ready to kill.
	longest = 150 * time.Millisecond
)

type settings struct {
	Kills   int
	Clients int
	Seed    uint64
	Dir     string // empty; for the program and its data
}

// driver runs the server and the clients that race for names.
type driver struct {
	settings
	random  *rand.Rand
	program *program.Program
	key     *client.Key
	history *history
	names   []string // all, in order
	kills   int

	mu  sync.Mutex
	ids map[string]codec.ClientID // approved, by name
}

func newDriver(ctx context.Context, s settings) (*driver, error) {
	d := &driver{
		settings: s,
		random:   rand.New(rand.NewPCG(s.Seed, 0)),
		history:  newHistory(),
		ids:      map[string]codec.ClientID{},
	}
	var err error
	if d.program, err = program.Build(ctx, s.Dir); err != nil {
		return nil, err
	}
	d.key, err = client.NewKey()
	return d, err
}

// run kills the server as often as the settings say. The last life is only
// asked for its table.
func (d *driver) run(ctx context.Context, progress io.Writer) error {
	for ; d.kills <= d.Kills; d.kills++ {
		if err := d.life(ctx, d.kills == d.Kills); err != nil {
			return fmt.Errorf("after kill %d: %w", d.kills, err)
		}
		if d.kills%100 == 99 {
			fmt.Fprintf(progress, "%d kills, %d names\n", d.kills+1, len(d.names))
		}
	}
	return nil
}

func (d *driver) life(ctx context.Context, last bool) error {
	s, err := d.program.Start(ctx)
	if err != nil {
		return err
	}
	defer d.history.dead()
	starting, stop := context.WithTimeout(ctx, stall)
	defer stop()
	addr, _, err := s.Ready(starting)
	if err == nil {
		err = d.readTable(ctx, last)
	}
	if err != nil || last {
		return errors.Join(err, s.Kill())
	}
	for n := range namesOfLife {
		d.names = append(d.names, fmt.Sprintf("name %d.%d", d.kills, n))
	}
	return d.race(ctx, s, addr)
}

// race lets the clients work until the server is killed. A client that fails
// before that has found a fault.
func (d *driver) race(ctx context.Context, s *program.Server, addr string) error {
	var killed atomic.Bool
	early := make(chan error, d.Clients)
	var working sync.WaitGroup
	for number := range d.Clients {
		r := &racer{driver: d, number: number, names: d.names[max(0, len(d.names)-recentNames):],
			random: rand.New(rand.NewPCG(d.Seed, uint64(1+d.kills*d.Clients+number)))}
		working.Go(func() {
			if err := r.race(ctx, addr); !killed.Load() {
				early <- err
			}
		})
	}
	var failed error
	share := d.random.Float64()
	select {
	case <-time.After(time.Duration(share * share * float64(longest))):
	case failed = <-early:
	}
	killed.Store(true)
	err := errors.Join(failed, s.Kill())
	working.Wait()
	return err
}

// readTable notes what the table of clients says of the recent names, or of all.
func (d *driver) readTable(ctx context.Context, all bool) error {
	names := d.names
	if !all {
		names = names[max(0, len(names)-recentNames):]
	}
	var asked []*pending
	for _, name := range names {
		asked = append(asked, d.history.call(d.Clients, name, operation{kind: table}))
	}
	var lines []struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	if err := d.program.Ask(ctx, &lines, "clients", "list"); err != nil {
		return err
	}
	ids := map[string]string{}
	for _, line := range lines {
		if ids[line.Name] != "" {
			return fmt.Errorf("the table has the name %q twice", line.Name)
		}
		ids[line.Name] = line.ID
	}
	for i, p := range asked {
		id, is := ids[names[i]]
		p.answered(answer{yes: is, id: id})
	}
	return nil
}

// racer is one of the clients.
type racer struct {
	*driver
	number int
	names  []string
	random *rand.Rand
}

// race works until an error ends it, which is always the case: the server is
// killed.
func (r *racer) race(ctx context.Context, addr string) error {
	s, err := client.Dial(ctx, client.Options{Server: addr, Timeout: stall})
	if err != nil {
		return err
	}
	defer s.Close()
	for err == nil {
		name := r.names[r.random.IntN(len(r.names))]
		if r.random.IntN(8) == 0 {
			err = r.lookup(ctx, s, name)
		} else {
			err = r.register(ctx, s, name)
		}
	}
	return fmt.Errorf("client %d: %w", r.number, err)
}

func (r *racer) register(ctx context.Context, s *client.Session, name string) error {
	p := r.history.call(r.number, name, operation{kind: register})
	id, err := s.Register(ctx, name)
	switch {
	case err == nil:
		r.mu.Lock()
		r.ids[name] = id
		r.mu.Unlock()
		p.answered(answer{yes: true, id: fmt.Sprintf("%x", id[:])})
	case errors.Is(err, client.ErrNameTaken):
		p.answered(answer{})
	default:
		p.broken()
		return err
	}
	return nil
}

// lookup asks whether the name has the id that somebody was told for it.
func (r *racer) lookup(ctx context.Context, s *client.Session, name string) error {
	r.mu.Lock()
	id, known := r.ids[name]
	r.mu.Unlock()
	if !known {
		return nil
	}
	s.Resume(id)
	p := r.history.call(r.number, name, operation{kind: lookup, id: fmt.Sprintf("%x", id[:])})
	err := s.ExchangeKey(ctx, name, r.key)
	if err != nil && !errors.Is(err, client.ErrRefused) {
		p.broken()
		return err
	}
	p.answered(answer{yes: err == nil})
	return nil
}
