package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/internal/proof/program"
)

const (
	budget = 64 << 20
	// memoryLimit is what the control group grants: the budget and what
	// docs/PERFORMANCE.md allows beside it, for 5,000 connections.
	memoryLimit = budget + 96<<20
	stall       = time.Minute
)

// configuration is what the server runs with: small enough for the crowds to
// reach every limit.
var configuration = []string{
	fmt.Sprintf("SEALQUAY_MEMORY_BUDGET=%d", budget),
	"SEALQUAY_REGISTRATIONS_PER_MINUTE=300",
	"SEALQUAY_REQUEST_TIMEOUT=3s",
	"SEALQUAY_IDLE_TIMEOUT=5s",
}

// A driver runs the server, the crowds and the honest clients.
type driver struct {
	settings
	program *program.Program
	key     *client.Key // of everybody: making one takes long
}

func newDriver(ctx context.Context, s settings) (*driver, error) {
	p, err := program.Build(ctx, s.Dir)
	if err != nil {
		return nil, err
	}
	key, err := client.NewKey()
	return &driver{settings: s, program: p.With(configuration...), key: key}, err
}

func (d *driver) run(ctx context.Context, w io.Writer) (err error) {
	s, err := d.program.Start(ctx)
	if err != nil {
		return err
	}
	group, err := confine(s.ProcessID(), memoryLimit)
	defer func() {
		err = errors.Join(err, s.Kill())
		group.remove()
	}()
	if err != nil {
		return err
	}
	starting, stop := context.WithTimeout(ctx, stall)
	defer stop()
	addr, _, err := s.Ready(starting)
	if err != nil {
		return err
	}
	honest := newHonest(d, addr)
	took, err := honest.work(ctx, alone)
	if err != nil {
		return fmt.Errorf("without any crowd: %w", err)
	}
	fmt.Fprintf(w, "honest, alone             %v\n", took)
	if err := d.flood(ctx, addr, honest, w); err != nil {
		return err
	}
	return d.judge(ctx, honest, group, s.ProcessID(), w)
}

// flood lets the crowds in, and then the honest clients work beside them.
func (d *driver) flood(ctx context.Context, addr string, honest *honest, w io.Writer) error {
	flooding, stop := context.WithCancel(ctx)
	defer stop()
	var here, all sync.WaitGroup
	crowds := d.crowds(addr)
	for _, c := range crowds {
		for number := range c.size {
			here.Add(1)
			all.Go(func() { c.member(flooding, number, sync.OnceFunc(here.Done)) })
		}
	}
	here.Wait()
	least := time.After(d.Stay)
	took, err := honest.work(ctx, beside)
	if err == nil {
		fmt.Fprintf(w, "honest, beside the crowds %v\n", took)
		select {
		case <-least:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	stop()
	all.Wait()
	for _, c := range crowds {
		fmt.Fprintf(w, "%-25s %d: %v\n", c.name, c.size, c.did)
	}
	return err
}

// judge asks the server's tables and its process what became of all that.
func (d *driver) judge(ctx context.Context, honest *honest, group *group, pid int, w io.Writer) error {
	missing, err := honest.missing(ctx, d.program)
	if err != nil {
		return err
	}
	resident, err := highestRSS(pid)
	if err != nil {
		return err
	}
	kills, err := group.kills()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "memory of the server      RSS at most %d MiB; budget %d MiB, limit of the control group %d MiB, ends by it: %d\n",
		resident>>20, budget>>20, memoryLimit>>20, kills)
	fmt.Fprintf(w, "acknowledged files        %d, missing or wrong: %d\n", honest.acknowledged(), len(missing))
	if len(missing) > 0 {
		return fmt.Errorf("%d files are missing or wrong: %s", len(missing), missing[0])
	}
	if kills > 0 || resident > memoryLimit {
		return fmt.Errorf("the server took %d bytes and was ended %d times", resident, kills)
	}
	return nil
}
