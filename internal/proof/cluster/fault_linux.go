package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// A fault is one kind of what goes wrong. It is over when do returns; what it
// ended is started again by then.
type fault struct {
	kind string
	do   func(ctx context.Context, d *driver, n *node) error
	long bool // not for the short form: others come near it
}

// faults are all kinds, those that come more often than once.
func faults() []fault {
	return []fault{
		{kind: "kill -9 of a node", do: killNode},
		{kind: "kill -9 of a node", do: killNode, long: true},
		{kind: "kill -9 of a node", do: killNode, long: true},
		{kind: "stop of a node", do: stopNode, long: true},
		{kind: "kill -9 of PostgreSQL", do: killPostgres},
		{kind: "kill -9 of S3", do: killS3},
		{kind: "PostgreSQL away", do: away(toPostgres)},
		{kind: "S3 away", do: away(toS3)},
		{kind: "S3 slow", do: everywhere(toS3, slow)},
		{kind: "S3 failing", do: everywhere(toS3, failing)},
		{kind: "a node without S3", do: cutOff(toS3, silent, true, 0), long: true},
		{kind: "a node without PostgreSQL", do: cutOff(toPostgres, silent, true, 0), long: true},
		{kind: "the same beyond its lease", do: cutOff(toPostgres, silent, true, lease+lease/3)},
		{kind: "COMMITs of a node lost", do: cutOff(toPostgres, losesCommits, false, 0)},
		{kind: "answers to them lost", do: cutOff(toPostgres, losesOutcomes, false, 0)},
		{kind: "answers of S3 lost", do: cutOff(toS3, losesAnswers, false, 0)},
	}
}

func killPostgres(ctx context.Context, d *driver, _ *node) error {
	d.stage.postgres.Kill()
	d.hold(ctx, d.Longest)
	return limited(ctx, d.stage.postgres.Restart)
}

func killS3(ctx context.Context, d *driver, _ *node) error {
	d.stage.s3.Kill()
	d.hold(ctx, d.Longest)
	return limited(ctx, d.stage.s3.Restart)
}

func limited(ctx context.Context, restart func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return restart(ctx)
}

func killNode(ctx context.Context, _ *driver, n *node) error {
	if err := n.server.Kill(); err != nil {
		return err
	}
	return n.start(ctx)
}

// stopNode stops a node in good order. That it cut off conversations that
// lasted beyond its drain_timeout, it says by its exit status; clients see it.
func stopNode(ctx context.Context, d *driver, n *node) error {
	if err := n.server.Stop(); err != nil {
		if !strings.Contains(n.server.LastWords(`"server.stop"`), context.DeadlineExceeded.Error()) {
			return err
		}
		d.cutOff++
	}
	return n.start(ctx)
}

func toPostgres(n *node) *road { return n.toPostgres }
func toS3(n *node) *road       { return n.toS3 }

// beyondPatience is longer than a node waits before it says that it is not ready.
const beyondPatience = 10 * time.Second

// away lets no node reach a server for as long as the settings say, which may
// be longer than a node has patience.
func away(to func(*node) *road) func(context.Context, *driver, *node) error {
	return func(ctx context.Context, d *driver, _ *node) error {
		for _, n := range d.stage.nodes {
			to(n).close()
		}
		d.hold(ctx, d.Away)
		for _, n := range d.stage.nodes {
			if d.Away < beyondPatience {
				break
			}
			if err := n.awaitHealth(ctx, false); err != nil {
				return err
			}
		}
		return d.mend(to)
	}
}

// everywhere spoils the way to a server for all nodes.
func everywhere(to func(*node) *road, troubles []string) func(context.Context, *driver, *node) error {
	return func(ctx context.Context, d *driver, _ *node) error {
		for _, n := range d.stage.nodes {
			if err := to(n).spoil(troubles); err != nil {
				return err
			}
		}
		d.hold(ctx, d.Longest)
		return d.mend(to)
	}
}

// cutOff spoils the way of one node, for at least so long; noticed says that
// its health check has to notice.
func cutOff(to func(*node) *road, troubles []string, noticed bool, least time.Duration) func(context.Context, *driver, *node) error {
	return func(ctx context.Context, d *driver, n *node) error {
		start := time.Now()
		if err := to(n).spoil(troubles); err != nil {
			return err
		}
		if noticed {
			if err := n.awaitHealth(ctx, false); err != nil {
				return err
			}
		}
		d.hold(ctx, max(d.Longest/2, least-time.Since(start)))
		return to(n).mend()
	}
}

// hold lets a fault last.
func (d *driver) hold(ctx context.Context, duration time.Duration) {
	select {
	case <-time.After(duration):
	case <-ctx.Done():
	}
}

func (d *driver) mend(to func(*node) *road) error {
	for _, n := range d.stage.nodes {
		if err := to(n).mend(); err != nil {
			return err
		}
	}
	return nil
}

// awaitHealth waits until the node says at /readyz that it serves, or that it
// does not, which silence says as well.
func (n *node) awaitHealth(ctx context.Context, want bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	look := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		ready, said := ask(&look, "http://"+n.admin()+"/readyz")
		if ready == want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("node %s: want ready %v at /readyz, which said %s: %w", n.addr(), want, said, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func ask(look *http.Client, url string) (ready bool, said string) {
	answer, err := look.Get(url)
	if err != nil {
		return false, err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return false, err.Error()
	}
	return answer.StatusCode == http.StatusOK, string(text)
}
