package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/internal/proof/account"
	"github.com/sealquay/sealquay/internal/proof/program"
)

// stall is how long a client or a start may wait before the proof fails.
const stall = 30 * time.Second

// settings of a run.
type settings struct {
	Kills   int
	Clients int
	Seed    uint64
	Longest time.Duration // from ready to kill
	Dir     string        // empty; for the program and its data
}

// driver runs the server, its clients, and the judgement.
type driver struct {
	settings
	random        *rand.Rand
	program       *program.Program
	files         *account.Account
	registrations *registrations
	revocations   *revocations
	receiver      *receiver
	hook          *httptest.Server
	newest        map[account.File]int64 // numbers of versions, as of the last judgement
	counts        *counts
	workers       []*worker
	report        report
}

func newDriver(ctx context.Context, s settings) (*driver, error) {
	d := &driver{
		settings:      s,
		random:        rand.New(rand.NewPCG(s.Seed, 0)),
		files:         account.New(s.Seed),
		registrations: newRegistrations(),
		revocations:   newRevocations(s.Clients),
		receiver:      newReceiver(s.Seed),
		counts:        new(counts),
	}
	built, err := program.Build(ctx, s.Dir)
	if err != nil {
		return nil, err
	}
	secret := filepath.Join(s.Dir, "hook.secret")
	if err := os.WriteFile(secret, []byte(hookSecret), 0o600); err != nil {
		return nil, err
	}
	d.hook = httptest.NewServer(d.receiver)
	d.program = built.With("SEALQUAY_HOOKS_URL="+d.hook.URL, "SEALQUAY_HOOKS_SECRET_FILE="+secret)
	key, err := client.NewKey()
	if err != nil {
		return nil, err
	}
	for number := range s.Clients {
		d.workers = append(d.workers, &worker{
			number:        number,
			random:        rand.New(rand.NewPCG(s.Seed, uint64(number)+1)),
			key:           key,
			files:         d.files,
			registrations: d.registrations,
			revocations:   d.revocations,
			receiver:      d.receiver,
			counts:        d.counts,
			revoke:        d.revoke,
			shutTold:      make(chan struct{}, 1),
		})
	}
	return d, nil
}

// run kills the server as often as the settings say, and judges after each
// restart. The error is what kept it from going on; what is wrong with the
// server is in the report.
func (d *driver) run(ctx context.Context, progress io.Writer) error {
	for d.report.kills < d.Kills {
		if err := d.life(ctx, false); err != nil {
			return fmt.Errorf("after kill %d: %w", d.report.kills, err)
		}
		d.report.kills++
		if d.report.kills%50 == 0 {
			fmt.Fprintf(progress, "%d kills, %d acknowledged, %d wrong\n", d.report.kills, d.files.Acknowledged(), len(d.report.faults))
		}
	}
	return d.life(ctx, true)
}

// life is a server from start to kill. The last one is only judged.
func (d *driver) life(ctx context.Context, last bool) error {
	s, err := d.program.Start(ctx)
	if err != nil {
		return err
	}
	if !last && d.random.IntN(8) == 0 {
		d.report.atStart++
		time.Sleep(d.moment(earliest))
		return s.Kill()
	}
	if err := d.serve(ctx, s, last); err != nil {
		_ = s.Kill() // the first error is the one to tell
		return err
	}
	return nil
}

// earliest is about as long as a start takes.
const earliest = 100 * time.Millisecond

// moment draws a time up to longest, short ones more often.
func (d *driver) moment(longest time.Duration) time.Duration {
	share := d.random.Float64()
	return time.Duration(float64(longest) * share * share)
}

func (d *driver) serve(ctx context.Context, s *program.Server, last bool) error {
	starting, stop := context.WithTimeout(ctx, stall)
	defer stop()
	addr, took, err := s.Ready(starting)
	if err != nil {
		return err
	}
	d.report.recoveries = append(d.report.recoveries, took)
	if err := d.judge(ctx); err != nil {
		return err
	}
	if last {
		return errors.Join(d.judgeHooks(ctx), s.Kill())
	}
	return d.load(ctx, s, addr)
}

// load lets the clients work until the server is killed. A client that fails
// before that has found a fault.
func (d *driver) load(ctx context.Context, s *program.Server, addr string) error {
	var killed atomic.Bool
	early := make(chan error, len(d.workers)+1)
	commanding, dismiss := context.WithCancel(ctx)
	defer dismiss()
	var working sync.WaitGroup
	var told chan struct{} // the server is not killed before; nil: it may be
	switch number := d.random.IntN(len(d.workers)); d.random.IntN(4) {
	case 0:
		after := d.moment(d.Longest / 4)
		working.Go(func() {
			if err := d.revokeAfter(commanding, after, number); err != nil && !killed.Load() {
				early <- err
			}
		})
	case 1:
		d.workers[number].shutNext.Store(true)
	case 2:
		told = d.workers[number].shutTold
		select {
		case <-told: // of an earlier life
		default:
		}
		d.workers[number].shutNext.Store(true)
	}
	for _, w := range d.workers {
		working.Go(func() {
			if err := w.live(commanding, addr); !killed.Load() {
				early <- err
			}
		})
	}
	if err := d.ripe(early, told); err != nil {
		d.report.wrong("%v", err)
	}
	killed.Store(true)
	err := s.Kill()
	dismiss()
	working.Wait()
	return err
}

// ripe waits until the server is to be killed, or a client has failed.
func (d *driver) ripe(early <-chan error, told <-chan struct{}) error {
	if told != nil {
		select {
		case <-told:
		case err := <-early:
			return err
		case <-time.After(stall):
			return errors.New("a client that is to be shut out does not come to its 1104")
		}
	}
	select {
	case <-time.After(d.moment(d.Longest)):
		return nil
	case err := <-early:
		return err
	}
}

// revokeAfter shuts out a client after some time.
func (d *driver) revokeAfter(ctx context.Context, after time.Duration, number int) error {
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(after):
		return d.revoke(ctx, number)
	}
}

// revoke shuts out a client. The command is killed with the server.
func (d *driver) revoke(ctx context.Context, number int) error {
	name := d.revocations.begin(number)
	if name == "" {
		return nil
	}
	if err := d.program.Do(ctx, "clients", "revoke", name); err != nil {
		return err
	}
	d.revocations.finish(name)
	return nil
}
