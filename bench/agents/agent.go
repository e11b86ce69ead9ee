package agents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sealquay/sealquay/bench"
)

// helloTimeout bounds the wait for a hello.
const helloTimeout = 10 * time.Second

// An Agent does the runs that controllers send, one at a time.
type Agent struct {
	// Token must come with each run. If it is empty, anyone who reaches the agent
	// may use it.
	Token string
	// Remote allows targets that are not this machine.
	Remote bool
	// Version is of this program, for the results.
	Version string
	// Notice, if not nil, is told in a sentence what happens.
	Notice func(sentence string)
}

var errRemote = errors.New("the target is not the agent's machine, and it was not started with --remote")

// Serve serves controllers until ctx ends, and then closes the listener.
func (a *Agent) Serve(ctx context.Context, l net.Listener) error {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("wait for a controller: %w", err)
		}
		a.notice("%v: %v", conn.RemoteAddr(), outcome(a.serve(ctx, conn)))
	}
}

func outcome(err error) string {
	if err == nil {
		return "the run is done"
	}
	return err.Error()
}

func (a *Agent) notice(format string, args ...any) {
	if a.Notice != nil {
		a.Notice(fmt.Sprintf(format, args...))
	}
}

// serve does one run, and tells the controller why if it cannot.
func (a *Agent) serve(ctx context.Context, conn net.Conn) error {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })()
	answers := json.NewEncoder(conn)
	err := a.converse(ctx, cancel, conn, answers)
	if err != nil {
		conn.SetWriteDeadline(time.Now().Add(helloTimeout))
		_ = answers.Encode(message{Error: err.Error()}) // the error is returned too
	}
	return err
}

func (a *Agent) converse(ctx context.Context, cancel func(), conn net.Conn, answers *json.Encoder) error {
	if err := conn.SetReadDeadline(time.Now().Add(helloTimeout)); err != nil {
		return err
	}
	h, commands, err := readHello(conn, a.Token)
	if err != nil {
		return err
	}
	runner, err := a.prepare(ctx, h.Plan, func(i bench.Interval, _ *hdrhistogram.Histogram) {
		if answers.Encode(message{Interval: &i}) != nil {
			cancel() // nobody is there to see the result
		}
	})
	if err != nil {
		return err
	}
	if err := answers.Encode(message{Ready: true}); err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	var c command
	if err := commands.Decode(&c); err != nil || c != start {
		return fmt.Errorf("the controller did not say start: %w", err)
	}
	a.notice("%v: %s against %s", conn.RemoteAddr(), h.Plan.Model, h.Plan.Target)
	var listener sync.WaitGroup
	listener.Go(func() {
		_ = commands.Decode(&c) // whatever comes ends the run
		cancel()
	})
	result := runner.Run(ctx)
	result.Describe(bench.NewEnvironment(a.Version))
	err = answers.Encode(message{Result: result, Ledger: runner.Ledger()})
	cancel()
	listener.Wait()
	return err
}

// prepare checks the plan on this machine.
func (a *Agent) prepare(ctx context.Context, p bench.Plan, progress func(bench.Interval, *hdrhistogram.Histogram)) (*bench.Runner, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	local, err := bench.Loopback(ctx, p.Target)
	if err != nil {
		return nil, err
	}
	if !local && !a.Remote {
		return nil, errRemote
	}
	if err := bench.Preflight(&p); err != nil {
		return nil, err
	}
	return bench.New(ctx, p, bench.Options{Progress: progress})
}
