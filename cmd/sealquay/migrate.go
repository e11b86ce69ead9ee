package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/internal/seed"
	"github.com/sealquay/sealquay/persistence"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

type migrateCommand struct {
	configFlags
	From     string `xor:"source" required:"" placeholder:"DIR" help:"Copy the storage of the server whose data directory is DIR. It must not run."`
	FromSeed string `xor:"source" required:"" placeholder:"DIR" help:"Take over what the seed's Python server left in DIR: server.db and Clients."`
	DryRun   bool   `help:"Look at everything and change nothing."`
	JSON     bool   `help:"Print a JSON object."`
}

// migrateReport is what --json prints.
type migrateReport struct {
	Clients  int64            `json:"clients"`
	Files    int64            `json:"files"`
	Bytes    int64            `json:"bytes"`
	Present  int64            `json:"present"`
	Problems []migrateProblem `json:"problems"`
}

type migrateProblem struct {
	ClientID string `json:"client_id,omitzero"`
	Client   string `json:"client"`
	FileName string `json:"file_name,omitzero"`
	Reason   string `json:"reason"`
}

// Run brings clients and files into the storage that the configuration names.
// It fails when something was left.
func (m migrateCommand) Run(ctx context.Context, c console) error {
	cfg, _, err := m.load()
	if err != nil {
		return err
	}
	place, err := storagePlace(cfg)
	if err != nil {
		return err
	}
	place.Quota = quotaOf(cfg) // what the target's servers count goes on being counted
	to, err := persistence.Open(ctx, place)
	if err != nil {
		return fmt.Errorf("the storage to fill: %w", err)
	}
	defer to.Close()
	show := newMigrateDisplay(c)
	report, err := m.move(ctx, to, persistence.MoveOptions{DryRun: m.DryRun, Progress: show.progress})
	show.end()
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("ended; run the same command again to go on")
		}
		return err
	}
	if err := m.print(c, report); err != nil {
		return err
	}
	if len(report.Problems) > 0 {
		return failure{fmt.Errorf("%d left", len(report.Problems))}
	}
	return nil
}

func (m migrateCommand) move(ctx context.Context, to *persistence.Store, options persistence.MoveOptions) (r persistence.MoveReport, err error) {
	if m.FromSeed != "" {
		return seed.TakeOver(ctx, m.FromSeed, to, options)
	}
	if err := persistence.InUse(m.From); err != nil {
		return r, fmt.Errorf("%s: %w: stop it first", m.From, err)
	}
	from, err := persistence.OpenReadOnly(ctx, persistence.Options{DataDir: m.From})
	if errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("no server has stored anything in %s", m.From)
	}
	if err != nil {
		return r, err
	}
	defer from.Close()
	return persistence.Move(ctx, from, to, options)
}

func (m migrateCommand) print(c console, r persistence.MoveReport) error {
	if m.JSON {
		lines := migrateReport{Clients: r.Clients, Files: r.Files, Bytes: r.Bytes, Present: r.Present, Problems: []migrateProblem{}}
		for _, p := range r.Problems {
			lines.Problems = append(lines.Problems, newMigrateProblem(p))
		}
		return json.NewEncoder(c.out).Encode(lines)
	}
	for _, p := range r.Problems {
		what := fmt.Sprintf("client %q", p.Client)
		if p.FileName != "" {
			what = fmt.Sprintf("file %q of %s", p.FileName, what)
		}
		fmt.Fprintf(c.out, "left: %s: %s\n", what, logging.Untrusted(p.Reason))
	}
	verb := "copied"
	if m.DryRun {
		verb = "to copy"
	}
	_, err := fmt.Fprintf(c.out, "%d clients, %d files and %d bytes %s; %d files were there already; %d left\n",
		r.Clients, r.Files, r.Bytes, verb, r.Present, len(r.Problems))
	return err
}

func newMigrateProblem(p persistence.MoveProblem) migrateProblem {
	line := migrateProblem{Client: p.Client, FileName: p.FileName, Reason: p.Reason}
	if p.ClientID != (persistence.ClientID{}) {
		line.ClientID = p.ClientID.String()
	}
	return line
}

// A migrateDisplay shows how far it is: a bar where a person looks, elsewhere a
// line from time to time.
type migrateDisplay struct {
	to    io.Writer
	every time.Duration // between two lines
	shown time.Time
	bars  *mpb.Progress
	bar   *mpb.Bar
}

func newMigrateDisplay(c console) *migrateDisplay {
	return &migrateDisplay{to: c.err, every: 10 * time.Second}
}

func (d *migrateDisplay) progress(p persistence.MoveProgress) {
	if !isTerminal(d.to) {
		d.line(p)
		return
	}
	if d.bar == nil {
		d.bars = mpb.New(mpb.WithOutput(d.to))
		d.bar = d.bars.AddBar(0, mpb.PrependDecorators(decor.CountersNoUnit("%d of %d files ")),
			mpb.AppendDecorators(decor.Percentage(), decor.AverageETA(decor.ET_STYLE_GO, decor.WCSyncSpace)))
	}
	d.bar.SetTotal(p.AllFiles, false)
	d.bar.SetCurrent(p.Files)
}

// line prints the first progress, the last, and what is far enough from the one
// before.
func (d *migrateDisplay) line(p persistence.MoveProgress) {
	if p.Files < p.AllFiles && !d.shown.IsZero() && time.Since(d.shown) < d.every {
		return
	}
	d.shown = time.Now()
	fmt.Fprintf(d.to, "%d of %d files, %d MiB\n", p.Files, p.AllFiles, p.Bytes>>20)
}

func (d *migrateDisplay) end() {
	if d.bar == nil {
		return
	}
	d.bar.Abort(false)
	d.bars.Wait()
}
