package main

import (
	"context"
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sealquay/sealquay/bench"
	"github.com/sealquay/sealquay/bench/agents"
)

// execute does the run, here or by agents.
func (b benchRunCommand) execute(ctx context.Context, c console, p bench.Plan) (*bench.Result, []bench.Ledger, error) {
	if b.Dialect == "auto" {
		var err error
		if p.Dialect, err = bench.Probe(ctx, &p, p.Name+"-probe"); err != nil {
			return nil, nil, err
		}
	}
	if len(b.Agents) > 0 {
		return b.executeByAgents(ctx, c, p)
	}
	if err := bench.Preflight(&p); err != nil {
		return nil, nil, err
	}
	if b.PID != 0 {
		if _, err := bench.ProcessUsage(b.PID); err != nil {
			return nil, nil, fmt.Errorf("the process %d: %w", b.PID, err)
		}
	}
	environment := bench.NewEnvironment(version())
	environment.ServerCommand, environment.ServerConfig = serverConfiguration(b.PID)

	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	show := newBenchDisplay(c.err, &p, interrupt)
	defer show.end()
	runner, err := bench.New(ctx, p, bench.Options{
		ServerPID: b.PID,
		Progress:  func(i bench.Interval, h *hdrhistogram.Histogram) { show.interval(i, h) },
	})
	if err != nil {
		return nil, nil, err
	}
	result := runner.Run(ctx)
	result.Describe(environment)
	return result, []bench.Ledger{runner.Ledger()}, nil
}

func (b benchRunCommand) executeByAgents(ctx context.Context, c console, p bench.Plan) (*bench.Result, []bench.Ledger, error) {
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	show := newBenchDisplay(c.err, &p, interrupt)
	defer show.end()
	results, ledgers, err := agents.Run(ctx, b.Agents, b.Token, p, show.interval)
	if err != nil {
		return nil, nil, err
	}
	result, err := bench.Merge(results)
	return result, ledgers, err
}
