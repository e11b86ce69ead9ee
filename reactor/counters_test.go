package reactor

import (
	"bytes"
	"context"
	"testing"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

func TestSnapshotCountsConnectionsAndBytes(t *testing.T) {
	s := start(t, script{}, func(c *Config) { c.MaxConnections = 2 })
	a, b := s.dial(), s.dial()
	request := registration()
	a.send(request)
	a.expect(codec.CodeAcknowledged)
	third := s.dial()
	eventually(t, "a connection is refused", func() bool { return s.Snapshot().Refused[logging.TooManyConnections] == 1 && s.Snapshot().Open == 2 })
	n := s.Snapshot()
	answer := int64(len(codec.AppendResponse(nil, codec.Documented, codec.Acknowledged{})))
	if n.Open != 2 || n.MaxConnections != 2 || n.Accepted != 3 || n.BytesIn != int64(len(request)) || n.BytesOut != answer ||
		n.LimitHits[logging.TooManyConnections] != 1 || n.Memory.Budget != s.MemoryBudget || n.Memory.Peak == 0 || n.Draining {
		t.Errorf("%+v", n)
	}
	for _, c := range []*peer{a, b, third} {
		_ = c.Close()
	}
	eventually(t, "both are closed", func() bool { n := s.Snapshot(); return n.Closed[logging.ClientClosed] == 2 && n.Open == 0 })
	if n := s.Snapshot(); n.Sessions != 1 || n.Requests.Queued != 0 || n.Content.Max != 2 {
		t.Errorf("%+v", n)
	}
}

// blockedUntil is a session whose requests wait until release is closed.
func blockedUntil(release <-chan struct{}) script {
	return script{request: func(ctx context.Context, _ Request) Answer {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return acknowledged
	}}
}

// lowMarks let a connection be paused for a few hundred requests.
func lowMarks(c *Config) { c.HighMark, c.LowMark = 64<<10, 16<<10 }

// A connection counts as paused from when it is until it is read again or ends,
// with both ways to pause.
func TestSnapshotCountsPausedConnections(t *testing.T) {
	for name, blocking := range map[string]bool{"poller": false, "blocking": true} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			s := start(t, blockedUntil(release), lowMarks, func(c *Config) { c.blocking = blocking })
			c := s.dial()
			go func() { _, _ = c.Write(bytes.Repeat(verdict(), 2000)) }()
			eventually(t, "it is paused", func() bool { n := s.Snapshot(); return n.Paused == 1 && n.Pauses > 0 })
			close(release)
			eventually(t, "it is read again", func() bool { return s.Snapshot().Paused == 0 })
		})
	}
}

func TestSnapshotForgetsAPausedConnectionThatEnds(t *testing.T) {
	release := make(chan struct{})
	s := start(t, blockedUntil(release), lowMarks)
	c := s.dial()
	go func() { _, _ = c.Write(bytes.Repeat(verdict(), 2000)) }() // fails when it is closed
	eventually(t, "it is paused", func() bool { return s.Snapshot().Paused == 1 })
	_ = c.SetLinger(0)
	_ = c.Close()
	eventually(t, "it is gone", func() bool { return s.Snapshot().Paused == 0 })
	close(release)
}
