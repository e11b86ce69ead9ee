package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/sealquay/sealquay/bench/agents"
)

type benchAgentCommand struct {
	Listen string `default:"127.0.0.1:7234" placeholder:"IP:PORT" help:"Address to wait at for runs (default: ${default})."`
	Token  string `env:"SEALQUAY_BENCH_TOKEN" placeholder:"TEXT" help:"Token that a run must bring. Needed unless the address is of this machine only."`
	Remote bool   `help:"Allow targets that are not this machine. Load only what is yours."`
}

// Run does the runs that controllers send, until a signal ends it.
func (a benchAgentCommand) Run(ctx context.Context, c console) error {
	at, err := netip.ParseAddrPort(a.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if !at.Addr().IsLoopback() && a.Token == "" {
		return errors.New("others can reach this address: set a --token, or SEALQUAY_BENCH_TOKEN")
	}
	l, err := net.Listen("tcp", a.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.err, "waiting for runs at %v\n", l.Addr())
	agent := agents.Agent{Token: a.Token, Remote: a.Remote, Version: version(), Notice: func(sentence string) { fmt.Fprintln(c.err, sentence) }}
	return agent.Serve(ctx, l)
}
