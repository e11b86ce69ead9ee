package live

import (
	"context"
	"sync"
	"time"

	"github.com/sealquay/sealquay/internal/logging"
)

// The states of the server.
const (
	stateReady    = "ready"
	stateDraining = "draining"
	stateFailing  = "failing"
)

const (
	// checkEvery is how often the storage is tried out while somebody looks on.
	checkEvery = 2 * time.Second
	// checkPatience is how long that may take.
	checkPatience = 2 * time.Second
)

// checked is what can only be found out by asking the storage, which may not
// answer. It is asked beside the ticks.
type checked struct {
	sources *Sources
	work    sync.WaitGroup

	mu       sync.Mutex
	asking   bool
	at       time.Time
	why      string // not ready
	removals int64
	usages   []usage
}

// refresh asks, unless it did so lately or still does.
func (c *checked) refresh(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asking || now.Sub(c.at) < checkEvery {
		return
	}
	c.asking = true
	c.work.Go(c.ask)
}

func (c *checked) ask() {
	ctx, cancel := context.WithTimeout(context.Background(), checkPatience)
	defer cancel()
	why := ""
	if err := c.sources.Ready(ctx); err != nil {
		why = logging.Visible(err.Error())
	}
	removals, err := c.sources.Store.WaitingRemovals(ctx)
	usages, usageErr := c.sources.usages(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asking, c.at, c.why = false, time.Now(), why
	if err == nil {
		c.removals = removals
	}
	if usageErr == nil {
		c.usages = usages
	}
}

// state returns what is known.
func (c *checked) state(draining bool) (state, why string, removals int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case draining:
		return stateDraining, "Uploads may finish; no connection is accepted any more.", c.removals
	case c.why != "":
		return stateFailing, c.why, c.removals
	}
	return stateReady, "", c.removals
}

// used returns what was last found to count against quotas.
func (c *checked) used() []usage {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.usages
}
