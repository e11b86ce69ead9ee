package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/sealquay/sealquay/internal/proof/program"
)

// A way to move is a source with targets that are made anew for each round.
type way interface {
	fmt.Stringer
	// begin makes an empty target. It returns the arguments of the command, and
	// its settings.
	begin(ctx context.Context) (args, settings []string, err error)
	// killed says in which state the target is after a kill.
	killed(ctx context.Context) (state string, err error)
	// contents is how many there are to be moved.
	contents() int64
	// judge waits until what kills left is swept, and says what is wrong.
	judge(ctx context.Context) (wrong []string, err error)
}

// driver moves, and kills, in rounds.
type driver struct {
	settings
	way
	program *program.Program
	random  *rand.Rand

	whole  time.Duration // that a run takes which is not killed
	rounds int
	kills  int
	most   int            // kills of one round
	states map[string]int // after kills
	wrong  []string
}

func newDriver(s settings, built *program.Program, w way) *driver {
	return &driver{settings: s, way: w, program: built, random: rand.New(rand.NewPCG(s.Seed, 1)), states: map[string]int{}}
}

// run moves once without a kill, which tells how long that takes, and then kills
// at moments up to that time.
func (d *driver) run(ctx context.Context) error {
	for d.whole == 0 || d.kills < d.Kills {
		if err := d.round(ctx); err != nil {
			return err
		}
	}
	return nil
}

// round moves everything into an empty target, however many runs it takes.
func (d *driver) round(ctx context.Context) error {
	args, settings, err := d.begin(ctx)
	if err != nil {
		return err
	}
	run := attempt{program: d.program.With(settings...), args: append([]string{"migrate", "--json"}, args...)}
	kills := 0
	for {
		var limit time.Duration
		if d.whole > 0 && d.kills < d.Kills {
			limit = 1 + time.Duration(d.random.Int64N(int64(d.whole)))
		}
		start := time.Now()
		ended, err := run.do(ctx, limit)
		if err != nil {
			return err
		}
		if ended {
			d.whole = max(d.whole, time.Since(start))
			break
		}
		kills++
		d.kills++
		state, err := d.killed(ctx)
		if err != nil {
			return err
		}
		d.states[state]++
	}
	d.rounds++
	d.most = max(d.most, kills)
	return d.finish(ctx, run)
}

// finish judges what the runs of a round have made.
func (d *driver) finish(ctx context.Context, run attempt) error {
	d.expect(run.report.Files+run.report.Present, d.contents(), "the last run accounts for all contents")
	d.expect(int64(len(run.report.Problems)), 0, "nothing is left")
	if last := fmt.Sprintf("%d of %[1]d files", d.contents()); !strings.Contains(run.said, last) {
		d.fault("the last run did not say %q, but %q", last, run.said)
	}
	if ended, err := run.do(ctx, 0); err != nil || !ended {
		return errors.Join(errors.New("one more run"), err)
	}
	d.expect(run.report.Clients+run.report.Files, 0, "one more run finds nothing to do")
	d.expect(run.report.Present, d.contents(), "one more run finds all")
	wrong, err := d.judge(ctx)
	for _, w := range wrong {
		d.fault("%s", w)
	}
	return err
}

func (d *driver) expect(got, want int64, what string) {
	if got != want {
		d.fault("not so: %s: %d, want %d", what, got, want)
	}
}

func (d *driver) fault(format string, args ...any) {
	d.wrong = append(d.wrong, fmt.Sprintf("round %d: ", d.rounds)+fmt.Sprintf(format, args...))
}

// mostShown bounds how much of what is wrong is printed.
const mostShown = 20

func (d *driver) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %d contents, a run takes %v\n", d.way, d.contents(), d.whole.Round(time.Millisecond))
	fmt.Fprintf(w, "  moved        %d times, of which one without a kill\n", d.rounds)
	fmt.Fprintf(w, "  kill -9      %d times, at most %d times on one way\n", d.kills, d.most)
	for _, state := range slices.Sorted(maps.Keys(d.states)) {
		fmt.Fprintf(w, "    then       %d times %s\n", d.states[state], state)
	}
	for _, wrong := range d.wrong[:min(len(d.wrong), mostShown)] {
		fmt.Fprintf(w, "  %s\n", wrong)
	}
	fmt.Fprintf(w, "  wrong        %d\n", len(d.wrong))
}

// attempt is a command that is run again and again.
type attempt struct {
	program *program.Program
	args    []string
	report  report // of the run that ended by itself
	said    string // by it, on stderr
}

// report is what the command prints.
type report struct {
	Clients, Files, Present int64
	Problems                []struct {
		Client   string
		FileName string `json:"file_name"`
		Reason   string
	}
}

// do runs the command, and kills it after a time unless that is 0. It returns
// whether the command ended by itself, which has to be with success.
func (a *attempt) do(ctx context.Context, limit time.Duration) (ended bool, err error) {
	running := ctx
	if limit > 0 {
		var cancel context.CancelFunc
		running, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	out, said, err := a.program.Run(running, a.args...)
	if err != nil && running.Err() != nil && ctx.Err() == nil {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w\n%s%s", err, out, said)
	}
	a.report, a.said = report{}, string(said)
	return true, json.Unmarshal(out, &a.report)
}
