package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"text/tabwriter"
	"time"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/doctor"
	"github.com/sealquay/sealquay/persistence"
)

type doctorCommand struct {
	configFlags
	addressFlags
	JSON bool `help:"Print a JSON object."`
}

// Run looks at the machine that a server is to run on, or runs on. It fails
// when something must be mended.
func (d doctorCommand) Run(c console) error {
	findings := d.examine()
	if err := d.print(c, findings); err != nil {
		return err
	}
	if !doctor.Well(findings) {
		return failure{errors.New("something must be mended")}
	}
	return nil
}

// examine looks at the machine only when the configuration says what for.
func (d doctorCommand) examine() []doctor.Finding {
	cfg, warnings, err := d.load(d.flags()...)
	if err != nil {
		return []doctor.Finding{doctor.Configuration(nil, err)}
	}
	findings := []doctor.Finding{doctor.Configuration(texts(warnings), nil)}
	if cfg.Storage.Rows == config.RowsPostgres {
		findings = append(findings, lookAtRows(cfg))
	}
	return append(findings, doctor.Examine(doctor.Plan{
		Addr:           netip.AddrPortFrom(cfg.ServerIPAddress, cfg.Port).String(),
		DataDir:        cfg.DataDir,
		MemoryBudget:   cfg.MemoryBudget,
		MaxConnections: cfg.MaxConnections,
	})...)
}

// longestLook bounds how long doctor waits for PostgreSQL.
const longestLook = 10 * time.Second

func lookAtRows(cfg *config.Config) doctor.Finding {
	ctx, cancel := context.WithTimeout(context.Background(), longestLook)
	defer cancel()
	place, err := storagePlace(cfg)
	if err != nil {
		return doctor.Rows(err, nil, nil)
	}
	found, err := persistence.LookAtPostgres(ctx, place.Postgres)
	if err != nil {
		return doctor.Rows(err, nil, nil)
	}
	if cfg.Durability == config.DurabilityRelaxed {
		return doctor.Rows(nil, nil, found.Lost())
	}
	return doctor.Rows(nil, found.Lost(), found.Damaged())
}

func texts(warnings []config.Warning) (lines []string) {
	for _, w := range warnings {
		lines = append(lines, w.String())
	}
	return lines
}

func (d doctorCommand) print(c console, findings []doctor.Finding) error {
	if d.JSON {
		return json.NewEncoder(c.out).Encode(struct {
			Well     bool             `json:"well"`
			Findings []doctor.Finding `json:"findings"`
		}{doctor.Well(findings), findings})
	}
	t := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	for _, f := range findings {
		fmt.Fprintf(t, "%s\t%s\t%s\n", f.Status, f.Check, f.Seen)
		if f.Advice != "" {
			fmt.Fprintf(t, "\t\t→ %s\n", f.Advice)
		}
	}
	return t.Flush()
}
