package main

import (
	"sync"
	"testing"
	"time"

	"github.com/sealquay/sealquay/internal/config"
)

// TestBandwidthIsOfTheClient: two connections of one client get no more than its
// bandwidth together, give or take what it may send ahead and what waits.
func TestBandwidthIsOfTheClient(t *testing.T) {
	const rate, size = 2 * config.MiB, 4 * config.MiB
	s := startTestServer(t, func(c *config.Config) {
		c.BandwidthPerClient, c.ConnectionHighMark, c.ConnectionLowMark = rate, 256*config.KiB, 0
	})
	p := dial(t, s)
	who := p.register("alice")
	p.exchange(who)
	began := time.Now()
	var both sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		q := dial(t, s)
		key := q.exchange(who)
		both.Go(func() { q.deliver(who, key, name, make([]byte, size)) })
	}
	both.Wait()
	// One second ahead, and up to 1 MiB on its way on each connection.
	if took, least := time.Since(began), time.Second; took < least {
		t.Errorf("%d bytes took %v at %d bytes a second, want at least %v", 2*size, took, rate, least)
	}
}
