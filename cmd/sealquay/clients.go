package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"text/tabwriter"
	"time"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

type clientsCommand struct {
	List    clientsListCommand    `cmd:"" help:"List the clients: id, name, when last seen, files and bytes."`
	Revoke  clientsRevokeCommand  `cmd:"" help:"Shut a client out: its next request is refused."`
	Restore clientsRestoreCommand `cmd:"" help:"Let a client in again that was revoked."`
	Show    clientsShowCommand    `cmd:"" help:"Show all about one client: its key, when it was seen, its files and their versions."`

	Pending clientsPendingCommand `cmd:"" help:"List the public keys that wait for approval."`
	Approve clientsApproveCommand `cmd:"" help:"Let a client use a public key, while the server runs or not."`
	Reject  clientsRejectCommand  `cmd:"" help:"Take a public key off the list; its client may offer it again."`
}

type clientsListCommand struct {
	configFlags
	JSON bool `help:"Print a JSON array."`
}

// clientLine is a client as --json shows it.
type clientLine struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	HasKey     bool      `json:"has_key"`
	Revoked    bool      `json:"revoked,omitzero"`
	Checksum   string    `json:"checksum,omitzero"`
	Registered time.Time `json:"registered"`
	LastSeen   time.Time `json:"last_seen,omitzero"`
	Files      int64     `json:"files"`
	Bytes      int64     `json:"bytes"`

	Quota *quotaLine `json:"quota,omitempty"`
}

// Run lists the clients. It may run beside the server.
func (l clientsListCommand) Run(ctx context.Context, c console) error {
	store, cfg, err := openToLook(ctx, l.configFlags)
	if err != nil {
		return err
	}
	defer store.Close()
	lines := transform(store.Clients(ctx), func(row persistence.Client) clientLine {
		return clientLine{
			ID:         row.ID.String(),
			Name:       row.Name,
			HasKey:     row.PublicKey != nil,
			Revoked:    row.Revoked,
			Checksum:   row.Checksum,
			Registered: row.Registered,
			LastSeen:   row.LastSeen,
			Files:      row.Files,
			Bytes:      row.Bytes,
			Quota:      newQuotaLine(row, cfg.Quota),
		}
	})
	if l.JSON {
		return writeArray(c, lines)
	}
	if err := printClients(c, lines, cfg.Quota); err != nil {
		return err
	}
	return printTotal(ctx, c, store, cfg.Quota)
}

func printClients(c console, lines iter.Seq2[clientLine, error], quota config.Quota) error {
	t := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tNAME\tLAST SEEN\tFILES\tBYTES"+quotaHeadings(quota))
	for line, err := range lines {
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d%s\n", line.ID, logging.Untrusted(line.Name), moment(line.LastSeen), line.Files, line.Bytes, line.Quota)
	}
	return t.Flush()
}

// openToLook opens the storage that the configuration names, to read it.
// Warnings are left to those who serve: the port does not matter here.
func openToLook(ctx context.Context, f configFlags) (*persistence.Store, *config.Config, error) {
	cfg, _, err := f.load()
	if err != nil {
		return nil, nil, err
	}
	options, err := storagePlace(cfg)
	if err != nil {
		return nil, nil, err
	}
	store, err := persistence.OpenReadOnly(ctx, options)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("no server has stored anything in %s: name its directory with --data-dir", cfg.DataDir)
	}
	return store, cfg, err
}

func transform[A, B any](rows iter.Seq2[A, error], line func(A) B) iter.Seq2[B, error] {
	return func(yield func(B, error) bool) {
		for row, err := range rows {
			if !yield(line(row), err) {
				return
			}
		}
	}
}

// writeArray writes the lines as a JSON array, each as it comes.
func writeArray[T any](c console, lines iter.Seq2[T, error]) error {
	separator := "["
	for line, err := range lines {
		if err != nil {
			return err
		}
		text, err := json.Marshal(line)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s\n  %s", separator, text)
		separator = ","
	}
	if separator == "[" {
		_, err := fmt.Fprintln(c.out, "[]")
		return err
	}
	_, err := fmt.Fprintln(c.out, "\n]")
	return err
}

// moment is a time for people; never is a dash.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}
