package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

type hooksCommand struct {
	List  hooksListCommand  `cmd:"" help:"List what hooks have not been told yet: the file, how often it was tried, and why it failed."`
	Retry hooksRetryCommand `cmd:"" help:"Have hooks told again of what was given up."`
}

type hooksListCommand struct {
	configFlags
	JSON bool `help:"Print a JSON array."`
	Dead bool `help:"Only what is given up."`
}

// deliveryLine is a delivery as --json shows it.
type deliveryLine struct {
	Delivery   string    `json:"delivery"`
	Hook       string    `json:"hook"`
	ClientID   string    `json:"client_id"`
	ClientName string    `json:"client_name"`
	FileName   string    `json:"file_name"`
	VerifiedAt time.Time `json:"verified_at"`
	Attempts   int       `json:"attempts"`
	Dead       bool      `json:"dead"`
	Due        time.Time `json:"due,omitzero"` // of the next attempt
	Failure    string    `json:"failure,omitzero"`
}

// Run lists the deliveries. It may run beside the server.
func (l hooksListCommand) Run(ctx context.Context, c console) error {
	store, _, err := openToLook(ctx, l.configFlags)
	if err != nil {
		return err
	}
	defer store.Close()
	lines := transform(l.selected(ctx, store), newDeliveryLine)
	if l.JSON {
		return writeArray(c, lines)
	}
	t := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "DELIVERY\tHOOK\tCLIENT\tFILE\tATTEMPTS\tNEXT\tFAILURE")
	for line, err := range lines {
		if err != nil {
			return err
		}
		next := "never"
		if !line.Dead {
			next = moment(line.Due)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", line.Delivery, line.Hook, logging.Untrusted(line.ClientName),
			logging.Untrusted(line.FileName), line.Attempts, next, logging.Untrusted(line.Failure))
	}
	return t.Flush()
}

// selected are the deliveries that the flags ask for.
func (l hooksListCommand) selected(ctx context.Context, store *persistence.Store) func(func(persistence.Delivery, error) bool) {
	return func(yield func(persistence.Delivery, error) bool) {
		for row, err := range store.Deliveries(ctx) {
			if (err != nil || row.Dead || !l.Dead) && !yield(row, err) {
				return
			}
		}
	}
}

func newDeliveryLine(row persistence.Delivery) deliveryLine {
	line := deliveryLine{
		Delivery: row.Delivery, Hook: row.Target, ClientID: row.ID.String(), ClientName: row.ClientName,
		FileName: row.FileName, VerifiedAt: row.VerifiedAt, Attempts: row.Attempts, Dead: row.Dead, Failure: row.Failure,
	}
	if !row.Dead {
		line.Due = row.Due
	}
	return line
}
