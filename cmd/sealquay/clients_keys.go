package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

type clientsPendingCommand struct {
	configFlags
	JSON bool `help:"Print a JSON array."`
}

// pendingLine is a key as --json shows it.
type pendingLine struct {
	ClientID    string    `json:"client_id"`
	ClientName  string    `json:"client_name"`
	Fingerprint string    `json:"fingerprint"`
	Approved    bool      `json:"approved"`
	Since       time.Time `json:"since"`
}

// Run lists the keys that wait. It may run beside the server.
func (p clientsPendingCommand) Run(ctx context.Context, c console) error {
	store, _, err := openToLook(ctx, p.configFlags)
	if err != nil {
		return err
	}
	defer store.Close()
	keys, err := store.PendingKeys(ctx)
	if err != nil {
		return err
	}
	if p.JSON {
		return writeArray(c, func(yield func(pendingLine, error) bool) {
			for _, k := range keys {
				if !yield(pendingLine{k.ID.String(), k.ClientName, k.Fingerprint.String(), k.Approved, k.Since}, nil) {
					return
				}
			}
		})
	}
	t := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "CLIENT\tFINGERPRINT\tSINCE\tSTATE")
	for _, k := range keys {
		state := "waits"
		if k.Approved {
			state = "approved, not used yet"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", logging.Untrusted(k.ClientName), k.Fingerprint, moment(k.Since), state)
	}
	return t.Flush()
}

// keyFlags name one key that waits.
type keyFlags struct {
	configFlags
	Client      string `arg:"" help:"Name or id of the client."`
	Fingerprint string `placeholder:"DIGITS" help:"SHA-256 of the key, or how it begins; needed when several keys of the client wait."`
}

type clientsApproveCommand struct{ keyFlags }

// Run approves a key. The client has it from its next run on.
func (a clientsApproveCommand) Run(ctx context.Context, c console) error {
	return a.decide(ctx, c, "approved", (*persistence.Operator).Approve)
}

type clientsRejectCommand struct{ keyFlags }

// Run rejects a key.
func (r clientsRejectCommand) Run(ctx context.Context, c console) error {
	return r.decide(ctx, c, "rejected", (*persistence.Operator).Reject)
}

// decide finds the key and does to it what is to be done.
func (k keyFlags) decide(ctx context.Context, c console, done string,
	do func(*persistence.Operator, context.Context, persistence.ClientID, persistence.Fingerprint) error) error {
	key, err := k.find(ctx)
	if err != nil {
		return err
	}
	operator, err := openOperator(ctx, k.configFlags)
	if err != nil {
		return err
	}
	if err := errors.Join(do(operator, ctx, key.ID, key.Fingerprint), operator.Close()); err != nil {
		return fmt.Errorf("key %s of client %s: %w", key.Fingerprint, logging.Untrusted(key.ClientName), err)
	}
	_, err = fmt.Fprintf(c.out, "%s  %s  %s\n", done, logging.Untrusted(key.ClientName), key.Fingerprint)
	return err
}

// find returns the one key of the client that the flags mean.
func (k keyFlags) find(ctx context.Context) (key persistence.PendingKey, err error) {
	store, _, err := openToLook(ctx, k.configFlags)
	if err != nil {
		return key, err
	}
	defer store.Close()
	client, err := findClient(ctx, store, k.Client)
	if err != nil {
		return key, err
	}
	all, err := store.PendingKeys(ctx)
	if err != nil {
		return key, err
	}
	waiting := slices.DeleteFunc(all, func(p persistence.PendingKey) bool { return p.ID != client.ID })
	named := slices.DeleteFunc(slices.Clone(waiting), func(p persistence.PendingKey) bool {
		return !strings.HasPrefix(p.Fingerprint.String(), strings.ToLower(k.Fingerprint))
	})
	switch name := logging.Untrusted(client.Name); {
	case len(waiting) == 0:
		return key, fmt.Errorf("no key of client %s waits for approval", name)
	case len(named) == 0:
		return key, fmt.Errorf("no key of client %s that waits begins with %q: sealquay clients pending shows them all", name, k.Fingerprint)
	case len(named) > 1:
		return key, fmt.Errorf("%d keys of client %s wait: say which with --fingerprint; sealquay clients pending shows them all", len(named), name)
	}
	return named[0], nil
}
