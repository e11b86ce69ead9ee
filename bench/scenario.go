package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// A scenario is one session of a virtual client, connection included.
type scenario func(context.Context, *virtualClient) error

// scenarios is all that a client can do, and whether it uses a connection or a
// key for more than one file.
var scenarios = []struct {
	name   string
	run    scenario
	about  string
	reuses bool
}{
	{"register", registerOnly, "connect and register", false},
	{"key-exchange", keyExchangeOnly, "connect and exchange keys, with the id of an earlier session", false},
	{"one-file", oneFile, "register, exchange keys and send one file", false},
	{"many-files", manyFiles, "the same with many files", true},
	{"reconnect", reconnectEach, "one file, with a connection for each request", true},
	{"idle-crowd", idleCrowd, "register and exchange keys, be silent, then send one file", false},
	{"slow-sender", slowSender, "one file, a few bytes at a time", false},
	{"crc-retry", crcRetry, "send a file damaged, reject its CRC, send it again", false},
}

// ScenarioHelp returns a line for each scenario.
func ScenarioHelp() (lines []string) {
	for _, s := range scenarios {
		lines = append(lines, fmt.Sprintf("%s: %s", s.name, s.about))
	}
	return lines
}

func registerOnly(ctx context.Context, c *virtualClient) error {
	if err := c.connect(ctx); err != nil {
		return err
	}
	return c.register(ctx)
}

// keyExchangeOnly is a client's second run: the first one registers.
func keyExchangeOnly(ctx context.Context, c *virtualClient) error {
	if err := c.connect(ctx); err != nil {
		return err
	}
	if err := c.registerOnce(ctx); err != nil {
		return err
	}
	return c.exchangeKey(ctx)
}

// begin is how every session with files begins.
func begin(ctx context.Context, c *virtualClient) error {
	if err := c.connect(ctx); err != nil {
		return err
	}
	if err := c.register(ctx); err != nil {
		return err
	}
	return c.exchangeKey(ctx)
}

func oneFile(ctx context.Context, c *virtualClient) error {
	if err := begin(ctx, c); err != nil {
		return err
	}
	return c.sendFile(ctx)
}

func manyFiles(ctx context.Context, c *virtualClient) error {
	if err := begin(ctx, c); err != nil {
		return err
	}
	for range c.plan.Files {
		if err := c.sendFile(ctx); err != nil {
			return err
		}
	}
	return nil
}

func reconnectEach(ctx context.Context, c *virtualClient) error {
	c.between = c.reconnect
	return oneFile(ctx, c)
}

func idleCrowd(ctx context.Context, c *virtualClient) error {
	if err := begin(ctx, c); err != nil {
		return err
	}
	if err := c.rest(ctx, c.plan.Idle); err != nil {
		return err
	}
	return c.sendFile(ctx)
}

func slowSender(ctx context.Context, c *virtualClient) error {
	c.slow = true
	return oneFile(ctx, c)
}

func crcRetry(ctx context.Context, c *virtualClient) error {
	if err := begin(ctx, c); err != nil {
		return err
	}
	return c.sendDamagedFirst(ctx)
}

// A Share is a scenario and how often it comes.
type Share struct {
	Scenario string `json:"scenario"`
	Weight   int    `json:"weight"`
}

// A Mix is scenarios by weight.
type Mix []Share

// ParseMix reads a mix as "one-file" or "one-file=8,many-files=2".
func ParseMix(text string) (Mix, error) {
	var mix Mix
	for part := range strings.SplitSeq(text, ",") {
		name, weight, weighted := strings.Cut(strings.TrimSpace(part), "=")
		share := Share{Scenario: name, Weight: 1}
		if weighted {
			var err error
			if share.Weight, err = strconv.Atoi(weight); err != nil {
				return nil, fmt.Errorf("the weight of %s is %q", name, weight)
			}
		}
		mix = append(mix, share)
	}
	return mix, mix.check()
}

func (m Mix) check() error {
	if len(m) == 0 {
		return errors.New("there is no scenario")
	}
	for _, share := range m {
		if scenarioAt(share.Scenario) < 0 {
			return fmt.Errorf("there is no scenario %q; there are:\n  %s", share.Scenario, strings.Join(ScenarioHelp(), "\n  "))
		}
		if share.Weight < 1 || share.Weight > 1_000_000 {
			return fmt.Errorf("the weight of %s is %d; 1 to a million", share.Scenario, share.Weight)
		}
	}
	return nil
}

func scenarioAt(name string) int {
	for i, s := range scenarios {
		if s.name == name {
			return i
		}
	}
	return -1
}

// drawer returns a function that draws a scenario. The mix must be right.
func (m Mix) drawer() func(*rand.Rand) scenario {
	var runs []scenario
	var weights []int
	total := 0
	for _, share := range m {
		runs = append(runs, scenarios[scenarioAt(share.Scenario)].run)
		weights = append(weights, share.Weight)
		total += share.Weight
	}
	return func(r *rand.Rand) scenario { return runs[pick(r, weights, total)] }
}

// reuses reports whether a scenario needs a connection or a key for more than
// one file.
func (m Mix) reuses() bool {
	return slices.ContainsFunc(m, func(s Share) bool {
		i := scenarioAt(s.Scenario)
		return i >= 0 && scenarios[i].reuses
	})
}
