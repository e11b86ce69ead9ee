package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"text/tabwriter"
	"time"

	"github.com/sealquay/sealquay/internal/certificate"
	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/confine"
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
	findings := append([]doctor.Finding{doctor.Configuration(texts(warnings), nil)}, examineConfigured(cfg)...)
	return append(findings, doctor.Examine(doctor.Plan{
		Addrs:          addresses(cfg),
		Serves:         func(addr string) bool { return serves(cfg, addr) },
		DataDir:        cfg.DataDir,
		FreeSpace:      cfg.Quota.FreeSpace,
		MemoryBudget:   cfg.MemoryBudget,
		MaxConnections: cfg.MaxConnections,
	})...)
}

// examineConfigured looks at what only some configurations have.
func examineConfigured(cfg *config.Config) (findings []doctor.Finding) {
	if cfg.Storage.Rows == config.RowsPostgres {
		findings = append(findings, lookAtRows(cfg))
	}
	if cfg.TLS.Certificate != "" {
		findings = append(findings, examineCertificate(certificateFiles(cfg)))
	}
	if names := hookNames(cfg); len(names) > 0 {
		_, err := hookTargets(cfg)
		findings = append(findings, doctor.Hooks(names, err))
	}
	findings = append(findings, doctor.Secrets(cfg.TLS.Key, cfg.Hooks.SecretFile, cfg.Storage.PostgresFile, cfg.S3.CredentialsFile)...)
	return append(findings, doctor.Confinement(string(cfg.Confine), confine.Version(), cfg.Hooks.Command != ""))
}

func examineCertificate(files certificate.Files) doctor.Finding {
	loaded, err := files.Load()
	if err != nil {
		return doctor.Certificate(nil, time.Now(), err)
	}
	return doctor.Certificate(loaded.Certificates[0].Leaf, time.Now(), nil)
}

// addresses are those that the server listens at for clients.
func addresses(cfg *config.Config) (all []string) {
	if !cfg.RequireTLS {
		all = append(all, netip.AddrPortFrom(cfg.ServerIPAddress, cfg.Port).String())
	}
	if cfg.TLS.Certificate != "" {
		all = append(all, cfg.TLSAddress().String())
	}
	return all
}

// serves asks for an answer at one of the server's addresses, as health does.
func serves(cfg *config.Config, addr string) bool {
	h := healthCommand{TLS: cfg.TLS.Certificate != "" && addr == cfg.TLSAddress().String()}
	at, dial, err := h.way(cfg)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), longestLook)
	defer cancel()
	return probe(ctx, at, dial) == nil
}

// longestLook bounds how long doctor waits for PostgreSQL, and for a server.
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
