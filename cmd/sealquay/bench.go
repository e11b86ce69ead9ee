package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/sealquay/sealquay/bench"
	"github.com/sealquay/sealquay/bench/report"
	"github.com/sealquay/sealquay/codec"
)

type benchCommand struct {
	Run     benchRunCommand     `cmd:"" default:"withargs" help:"Load a server and measure it. This is what bench does without another word."`
	Compare benchCompareCommand `cmd:"" help:"Compare two results that --json wrote."`
	Report  benchReportCommand  `cmd:"" help:"Show a result that --json wrote, as a table or as a page."`
	Agent   benchAgentCommand   `cmd:"" help:"Wait for runs that bench --agents sends."`
}

// benchPlanFlags are the flags that describe the load.
type benchPlanFlags struct {
	Target  string `default:"127.0.0.1:1234" placeholder:"HOST:PORT" help:"Server to load (default: ${default})."`
	Remote  bool   `help:"Allow a target that is not this machine. Load only what is yours."`
	Dialect string `enum:"auto,documented,seed" default:"auto" help:"How to speak to the server: auto, documented or seed."`

	TLS bool `name:"tls" help:"Load the TLS listener. Its certificate is not verified."`

	Clients  int           `short:"c" default:"64" placeholder:"N" help:"Clients at once; with --rate, at most so many (default: ${default})."`
	Rate     float64       `placeholder:"R" help:"Open model: begin R sessions a second, whatever became of those before."`
	Duration time.Duration `short:"d" default:"10s" help:"Length of the run (default: ${default})."`
	Stages   string        `placeholder:"LIST" help:"Instead of --duration and a constant level: 10s:0-100,30s:100,5s:100-0. Levels are clients, or sessions/s with --rate or --open."`
	Open     bool          `help:"Read --stages as sessions per second (open model)."`
	Warmup   time.Duration `default:"1s" help:"Start of the run that no figure counts (default: ${default})."`
	Grace    time.Duration `default:"10s" help:"Time for sessions under way after the last stage (default: ${default})."`
	MaxWait  time.Duration `default:"5s" help:"Open model: an arrival that waits longer for a free client is dropped (default: ${default})."`
	Think    time.Duration `default:"0s" help:"Closed model: pause between two sessions of a client."`
	Sessions int64         `default:"10000000" placeholder:"N" help:"End after so many sessions (default: ${default})."`

	Scenario string        `short:"s" default:"one-file" placeholder:"MIX" help:"What a session does, or a mix by weight: one-file=8,many-files=2 (default: ${default})."`
	Size     string        `default:"1KiB" placeholder:"SIZES" help:"Sizes of files: 16KiB, uniform:1KiB-1MiB, lognormal:16KiB:1.5:64MiB (median, sigma, largest) or list:1KiB*8,1MiB (default: ${default})."`
	Files    int           `default:"10" placeholder:"N" help:"Files of a many-files session (default: ${default})."`
	Idle     time.Duration `default:"10s" help:"Silence of an idle-crowd session (default: ${default})."`
	SlowRate string        `default:"4KiB" placeholder:"SIZE" help:"What a slow-sender sends in a second (default: ${default})."`

	Seed    uint64        `default:"1" placeholder:"N" help:"Decides sizes, content and the order of a mix (default: ${default})."`
	Encrypt string        `enum:"auto,before,while" default:"auto" help:"Encrypt content before its upload is timed, or while it is sent. auto: before, if it fits into memory."`
	Keys    int           `default:"64" placeholder:"N" help:"RSA keys, made beforehand, that the clients share (default: ${default})."`
	Timeout time.Duration `default:"30s" help:"Longest wait for the server (default: ${default})."`
	Pause   time.Duration `default:"50ms" help:"What a server of the seed's dialect gets to read what must arrive alone (default: ${default})."`
	Sources int           `placeholder:"N" help:"Loopback addresses that connections come from (default: 32 for a loopback target on Linux)."`
}

// benchRunCommand is one run, here or by agents.
type benchRunCommand struct {
	benchPlanFlags
	PID    int      `name:"pid" placeholder:"PID" help:"Process of the server on this machine: its CPU and memory are measured."`
	Verify string   `placeholder:"DIR" help:"Data directory of the server: after the run, prove that all that was acknowledged is there."`
	Agents []string `placeholder:"HOST:PORT" help:"Let these agents do the run, each its part, and merge what they measured."`
	Token  string   `env:"SEALQUAY_BENCH_TOKEN" help:"Token that the agents ask for." placeholder:"TEXT"`
	benchOutputFlags
	Fail []string `sep:"none" placeholder:"CONDITION" help:"Exit 1 unless it holds: p99<50ms, 1104.p99.9<1s, errors<0.1%, dropped<=0, files/s>100. May be repeated."`
}

// Help is shown below the flags' summary.
func (benchRunCommand) Help() string {
	return "Scenarios:\n\n  " + strings.Join(bench.ScenarioHelp(), "\n\n  ") + "\n\n" +
		"An interrupt (Ctrl-C) ends the run and gives the report so far. docs/BENCHMARKS.md has examples."
}

// model returns the model and its stages.
func (f *benchPlanFlags) model() (bench.Model, bench.Stages, error) {
	model, level := bench.Closed, float64(f.Clients)
	if f.Rate != 0 || f.Open {
		model, level = bench.Open, f.Rate
	}
	if f.Stages != "" {
		stages, err := bench.ParseStages(f.Stages)
		return model, stages, err
	}
	if !(level > 0) || math.IsInf(level, 1) {
		return model, nil, fmt.Errorf("a level of %g: say how many --clients, or a --rate", level)
	}
	return model, bench.Stages{{Duration: f.Duration, From: level, To: level}}, nil
}

// plan makes a plan of the flags. The dialect is documented unless they say it.
func (f *benchPlanFlags) plan() (bench.Plan, error) {
	model, stages, err1 := f.model()
	mix, err2 := bench.ParseMix(f.Scenario)
	sizes, err3 := bench.ParseSizes(f.Size)
	slowRate, err4 := bench.ParseSize(f.SlowRate)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return bench.Plan{}, err
	}
	p := bench.Plan{
		Target: f.Target, TLS: f.TLS, Dialect: codec.Documented.String(), Model: model, Stages: stages,
		Warmup: f.Warmup, Grace: f.Grace, Clients: f.Clients, MaxWait: f.MaxWait, Think: f.Think, MaxSessions: f.Sessions,
		Mix: mix, Sizes: sizes, Files: f.Files, Idle: f.Idle, SlowRate: slowRate,
		Seed: f.Seed, Precompute: f.Encrypt != "while", Keys: f.Keys,
		Timeout: f.Timeout, Pause: f.Pause, Sources: f.Sources, Name: runName(),
	}
	if f.Dialect == codec.Seed.String() {
		p.Dialect = f.Dialect
	}
	if p.Sources == 0 {
		p.Sources = bench.Sources(p.Target)
	}
	if err := p.Check(); f.Encrypt == "auto" && err != nil {
		p.Precompute = false
	}
	return p, p.Check()
}

// runName begins the names of a run's clients, so that no two runs meet.
func runName() string {
	b := make([]byte, 5)
	rand.Read(b) // never fails
	return "bench-" + hex.EncodeToString(b)
}

// Run does a run and shows it.
func (b benchRunCommand) Run(ctx context.Context, c console) error {
	conditions, err := parseConditions(b.Fail)
	if err != nil {
		return err
	}
	p, err := b.plan()
	if err != nil {
		return err
	}
	p.Remember = b.Verify != ""
	if b.PID != 0 && len(b.Agents) > 0 {
		return errors.New("--pid is for a run on this machine, --agents for one on others")
	}
	if err := b.checkTarget(ctx, p.Target); err != nil {
		return err
	}
	result, ledgers, err := b.execute(ctx, c, p)
	if err != nil {
		return err
	}
	if b.Verify != "" {
		// The interrupt that ended the run leaves the proof alone; another ends it.
		patience, stop := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		if result.Verification, err = verifyStorage(patience, b.Verify, ledgers); err != nil {
			return err
		}
	}
	if err := b.write(c, result); err != nil {
		return err
	}
	return judge(c, result, conditions)
}

func (b benchRunCommand) checkTarget(ctx context.Context, target string) error {
	local, err := bench.Loopback(ctx, target)
	if err != nil {
		return fmt.Errorf("the target %q: %w", target, err)
	}
	if !local && !b.Remote {
		return fmt.Errorf("%s is not this machine: add --remote if you may load it", target)
	}
	return nil
}

func parseConditions(texts []string) ([]report.Condition, error) {
	conditions := make([]report.Condition, len(texts))
	var errs []error
	for i, text := range texts {
		var err error
		conditions[i], err = report.ParseCondition(text)
		errs = append(errs, err)
	}
	return conditions, errors.Join(errs...)
}

// judge fails if a condition or the verification does.
func judge(c console, r *bench.Result, conditions []report.Condition) error {
	var failed []string
	for _, condition := range conditions {
		ok, sentence := condition.Judge(r)
		fmt.Fprintln(c.out, sentence)
		if !ok {
			failed = append(failed, sentence)
		}
	}
	if r.Verification != nil && !r.Verification.Proven() {
		failed = append(failed, "not all that was acknowledged is there")
	}
	if len(failed) == 0 {
		return nil
	}
	return failure{errors.New(strings.Join(failed, "; "))}
}
