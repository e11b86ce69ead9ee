package agents

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"go.uber.org/goleak"

	"github.com/sealquay/sealquay/bench"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// registrar answers every 1100 with an id, as a server of the documented
// dialect does.
func registrar(t *testing.T) string {
	l := listen(t)
	var all sync.WaitGroup
	all.Go(func() {
		for n := uint64(1); ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				request := make([]byte, 23+255)
				if _, err := io.ReadFull(conn, request); err != nil {
					return
				}
				answer := []byte{3, 2100 & 0xff, 2100 >> 8, 16, 0, 0, 0}
				answer = binary.LittleEndian.AppendUint64(answer, n)
				conn.Write(binary.LittleEndian.AppendUint64(answer, n))
				io.Copy(io.Discard, conn) // until the client closes
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// startAgents starts n agents and returns their addresses.
func startAgents(t *testing.T, n int, a Agent) (addresses []string) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range n {
		l := listen(t)
		addresses = append(addresses, l.Addr().String())
		all.Go(func() {
			agent := a
			if err := agent.Serve(ctx, l); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		all.Wait()
	})
	return addresses
}

func plan(t *testing.T, target string) bench.Plan {
	t.Helper()
	sizes, err := bench.ParseSizes("1B")
	if err != nil {
		t.Fatal(err)
	}
	return bench.Plan{
		Target: target, Dialect: "documented", Model: bench.Closed, Stages: bench.Stages{{Duration: time.Minute, From: 3, To: 3}},
		Grace: time.Second, Mix: bench.Mix{{Scenario: "register", Weight: 1}}, MaxSessions: 101, Sizes: sizes, Files: 1, SlowRate: 1,
		Keys: 1, Timeout: 10 * time.Second, Sources: 1, Name: "t",
	}
}

func ignore(bench.Interval, *hdrhistogram.Histogram) {}

func TestAgentsShareTheWork(t *testing.T) {
	addresses := startAgents(t, 2, Agent{Token: "secret"})
	results, _, err := Run(t.Context(), addresses, "secret", plan(t, registrar(t)), ignore)
	if err != nil {
		t.Fatal(err)
	}
	merged, err := bench.Merge(results)
	if err != nil {
		t.Fatal(err)
	}
	if merged.Agents != 2 || merged.Sessions != 101 || merged.Failed != 0 {
		t.Errorf("%d agents, %d sessions, %v", merged.Agents, merged.Sessions, merged.Failures)
	}
	count := results[0].Latencies[bench.Session].Count + results[1].Latencies[bench.Session].Count
	worst := max(results[0].Latencies[bench.Session].Max, results[1].Latencies[bench.Session].Max)
	if l := merged.Latencies[bench.Session]; l.Count != count || l.Max != worst {
		t.Errorf("merged: %d sessions of at most %v; in the parts %d of at most %v", l.Count, l.Max, count, worst)
	}
	if s := merged.Plan.Stages[0]; s.From != 3 || s.To != 3 {
		t.Errorf("the parts of the plan have %v clients", s.From)
	}
}

func TestAgentsRefuse(t *testing.T) {
	addresses := startAgents(t, 1, Agent{Token: "secret"})
	for name, c := range map[string]struct {
		token string
		spoil func(*bench.Plan)
		want  string
	}{
		"a wrong token":  {"guess", func(*bench.Plan) {}, "token"},
		"a far target":   {"secret", func(p *bench.Plan) { p.Target = "192.0.2.1:1" }, "--remote"},
		"a broken plan":  {"secret", func(p *bench.Plan) { p.Keys = 0 }, "keys"},
		"a huge hello":   {strings.Repeat("x", 2<<20), func(*bench.Plan) {}, "agent"},
		"no right token": {"", func(*bench.Plan) {}, "token"},
	} {
		p := plan(t, "127.0.0.1:1")
		c.spoil(&p)
		if _, _, err := Run(t.Context(), addresses, c.token, p, ignore); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInterruptReachesTheAgents(t *testing.T) {
	addresses := startAgents(t, 2, Agent{})
	p := plan(t, registrar(t))
	p.MaxSessions, p.Think = 0, time.Hour // only an interrupt ends it
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	results, _, err := Run(ctx, addresses, "", p, func(i bench.Interval, _ *hdrhistogram.Histogram) { cancel() })
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if !r.Interrupted || r.Sessions == 0 {
			t.Errorf("interrupted: %v, %d sessions", r.Interrupted, r.Sessions)
		}
	}
}

func TestControllerThatGoesEndsTheRun(t *testing.T) {
	target := registrar(t)
	said := make(chan string, 10)
	addresses := startAgents(t, 1, Agent{Notice: func(sentence string) { said <- sentence }})
	p := plan(t, target)
	p.MaxSessions, p.Think = 0, time.Hour
	a, err := connect(t.Context(), addresses[0], hello{version, "", p})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.awaitReady(); err != nil {
		t.Fatal(err)
	}
	if err := a.command(start); err != nil {
		t.Fatal(err)
	}
	<-said // that it has begun
	a.conn.Close()
	<-said // that it has ended
}
