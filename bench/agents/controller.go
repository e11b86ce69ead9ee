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

const (
	dialTimeout = 10 * time.Second
	// patience is how long an agent may be silent: it says something each second.
	patience = 2 * time.Minute
)

// An agent is one of the controller's, under way.
type agent struct {
	address string
	conn    net.Conn
	say     *json.Encoder
	hear    *json.Decoder
	result  *bench.Result
	ledger  bench.Ledger
}

// Run splits the plan between the agents, starts them together when all are
// ready, and returns what each of them measured. When ctx ends they are told to
// stop, and the results are those of the time so far. Progress is called from
// one goroutine at a time with what all agents did in a second.
func Run(ctx context.Context, addresses []string, token string, p bench.Plan, progress func(bench.Interval, *hdrhistogram.Histogram)) ([]*bench.Result, []bench.Ledger, error) {
	var all []*agent
	defer func() {
		for _, a := range all {
			a.conn.Close()
		}
	}()
	for i, part := range p.Split(len(addresses)) {
		a, err := connect(ctx, addresses[i], hello{version, token, part})
		if err != nil {
			return nil, nil, err
		}
		all = append(all, a)
	}
	// All prepare at the same time; none starts before the last is ready.
	if err := each(all, (*agent).awaitReady); err != nil {
		return nil, nil, err
	}
	if err := each(all, func(a *agent) error { return a.command(start) }); err != nil {
		return nil, nil, err
	}
	defer context.AfterFunc(ctx, func() {
		_ = each(all, func(a *agent) error { return a.command(stop) }) // an agent that does not hear it is missed below
	})()
	sum := &summer{progress: progress, agents: len(all), seconds: map[int]*second{}}
	if err := each(all, func(a *agent) error { return a.follow(sum) }); err != nil {
		return nil, nil, err
	}
	results, ledgers := make([]*bench.Result, len(all)), make([]bench.Ledger, len(all))
	for i, a := range all {
		results[i], ledgers[i] = a.result, a.ledger
	}
	return results, ledgers, nil
}

func connect(ctx context.Context, address string, h hello) (*agent, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("agent %s: %w", address, err)
	}
	a := &agent{address: address, conn: conn, say: json.NewEncoder(conn), hear: json.NewDecoder(conn)}
	if err := a.say.Encode(h); err != nil {
		conn.Close()
		return nil, a.fault(err)
	}
	return a, nil
}

// each does something with all agents at once.
func each(all []*agent, do func(*agent) error) error {
	errs := make([]error, len(all))
	var done sync.WaitGroup
	for i, a := range all {
		done.Go(func() { errs[i] = do(a) })
	}
	done.Wait()
	return errors.Join(errs...)
}

func (a *agent) fault(err error) error { return fmt.Errorf("agent %s: %w", a.address, err) }

func (a *agent) command(c command) error {
	if err := a.say.Encode(c); err != nil {
		return a.fault(err)
	}
	return nil
}

// next reads a message. One that is an error is returned as such.
func (a *agent) next() (m message, err error) {
	if err = a.conn.SetReadDeadline(time.Now().Add(patience)); err == nil {
		err = a.hear.Decode(&m)
	}
	if err == nil && m.Error != "" {
		err = errors.New(m.Error)
	}
	if err != nil {
		return m, a.fault(err)
	}
	return m, nil
}

func (a *agent) awaitReady() error {
	m, err := a.next()
	if err == nil && !m.Ready {
		return a.fault(errors.New("it did not say that it is ready"))
	}
	return err
}

// follow reads until the result.
func (a *agent) follow(sum *summer) error {
	for at := 0; ; at++ {
		m, err := a.next()
		if err != nil {
			return err
		}
		if m.Result != nil {
			a.result, a.ledger = m.Result, m.Ledger
			return nil
		}
		if m.Interval != nil {
			if err := sum.add(at, *m.Interval); err != nil {
				return a.fault(err)
			}
		}
	}
}

// A summer adds the intervals of all agents.
type summer struct {
	progress func(bench.Interval, *hdrhistogram.Histogram)
	agents   int

	mu      sync.Mutex
	seconds map[int]*second
}

// A second is what some of the agents said of it.
type second struct {
	sum  bench.Interval
	from int
}

func (s *summer) add(at int, i bench.Interval) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := s.seconds[at]
	if sum == nil {
		s.seconds[at] = &second{i, 1}
		sum = s.seconds[at]
	} else {
		sum.from++
		if sum.sum, err = sum.sum.Add(i); err != nil {
			return err
		}
	}
	if sum.from < s.agents {
		return nil
	}
	delete(s.seconds, at)
	h, err := sum.sum.Latency.Decode()
	if err == nil {
		s.progress(sum.sum, h)
	}
	return err
}
