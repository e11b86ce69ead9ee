package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

type checkCommand struct {
	configFlags
	Deep       bool   `help:"Read all content and compare it with its CRC-32."`
	Rate       string `placeholder:"SIZE" help:"Read at most SIZE in a second, like 50MiB (with --deep)."`
	Quarantine bool   `help:"Move damaged content and content without a row out of sight. The server must not run."`
	JSON       bool   `help:"Print a JSON object."`
}

// checkReport is what --json prints.
type checkReport struct {
	Agrees   bool           `json:"agrees"`
	Files    int64          `json:"files"`
	Bytes    int64          `json:"bytes"`
	Findings []checkFinding `json:"findings"`
}

type checkFinding struct {
	Problem     persistence.Problem `json:"problem"`
	ClientID    string              `json:"client_id,omitzero"`
	FileName    string              `json:"file_name,omitzero"`
	PathName    string              `json:"path_name,omitzero"`
	Detail      string              `json:"detail"`
	Quarantined bool                `json:"quarantined"`
}

// Run proves that rows and content agree. It fails when they do not.
func (k checkCommand) Run(ctx context.Context, c console) error {
	store, options, err := k.open(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	show := newCheckDisplay(c)
	options.Progress = show.progress
	report, err := store.Check(ctx, options)
	show.end()
	if err != nil {
		return err
	}
	if err := k.print(c, report); err != nil {
		return err
	}
	if len(report.Findings) > 0 {
		return failure{fmt.Errorf("%d problems", len(report.Findings))}
	}
	return nil
}

func (k checkCommand) open(ctx context.Context) (store *persistence.Store, o persistence.CheckOptions, err error) {
	o = persistence.CheckOptions{Deep: k.Deep, Quarantine: k.Quarantine}
	if k.Rate != "" {
		if o.BytesPerSecond, err = config.ParseSize(k.Rate); err != nil {
			return nil, o, fmt.Errorf("--rate: %w", err)
		}
	}
	if !k.Quarantine {
		store, _, err = openToLook(ctx, k.configFlags)
		return store, o, err
	}
	cfg, _, err := k.load()
	if err != nil {
		return nil, o, err
	}
	place, err := storagePlace(cfg)
	if err != nil {
		return nil, o, err
	}
	place.Quota = quotaOf(cfg) // its counters stay
	store, err = persistence.Open(ctx, place)
	return store, o, err
}

func (k checkCommand) print(c console, r persistence.Report) error {
	if k.JSON {
		lines := checkReport{Agrees: len(r.Findings) == 0, Files: r.Files, Bytes: r.Bytes, Findings: []checkFinding{}}
		for _, f := range r.Findings {
			lines.Findings = append(lines.Findings, newCheckFinding(f))
		}
		return json.NewEncoder(c.out).Encode(lines)
	}
	for _, f := range r.Findings {
		line := newCheckFinding(f)
		fmt.Fprintf(c.out, "%s  %s  %s%s\n", line.Problem, logging.Untrusted(line.PathName), line.Detail, quarantinedWord(line))
	}
	_, err := fmt.Fprintf(c.out, "%d files, %d bytes read, %d problems\n", r.Files, r.Bytes, len(r.Findings))
	return err
}

func newCheckFinding(f persistence.Finding) checkFinding {
	line := checkFinding{
		Problem:     f.Problem,
		FileName:    f.FileName,
		PathName:    f.PathName,
		Detail:      f.Detail,
		Quarantined: f.Quarantined,
	}
	if f.ID != (persistence.ClientID{}) {
		line.ClientID = f.ID.String()
	}
	return line
}

func quarantinedWord(f checkFinding) string {
	if f.Quarantined {
		return " (moved to quarantine)"
	}
	return ""
}

// A checkDisplay shows how far a check is: at a terminal in place, elsewhere
// not at all.
type checkDisplay struct {
	console
	terminal bool
	shown    time.Time
}

func newCheckDisplay(c console) *checkDisplay {
	return &checkDisplay{console: c, terminal: isTerminal(c.err)}
}

func (d *checkDisplay) progress(p persistence.CheckProgress) {
	if d.terminal && time.Since(d.shown) > 100*time.Millisecond {
		d.shown = time.Now()
		fmt.Fprintf(d.err, "\r%d files, %d MiB read", p.Files, p.Bytes>>20)
	}
}

func (d *checkDisplay) end() {
	if !d.shown.IsZero() {
		fmt.Fprint(d.err, "\r\x1b[K")
	}
}
