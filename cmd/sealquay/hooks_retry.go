package main

import (
	"context"
	"errors"
	"fmt"
)

type hooksRetryCommand struct {
	configFlags
	Delivery string `arg:"" optional:"" help:"Only this one, as hooks list names it."`
}

// Run has hooks told again of what was given up. A server that runs does so
// within half a minute.
func (r hooksRetryCommand) Run(ctx context.Context, c console) error {
	operator, err := openOperator(ctx, r.configFlags)
	if err != nil {
		return err
	}
	revived, err := operator.Retry(ctx, r.Delivery)
	if err := errors.Join(err, operator.Close()); err != nil {
		return err
	}
	if revived == 0 && r.Delivery != "" {
		return fmt.Errorf("no delivery %q is given up: sealquay hooks list --dead shows those that are", r.Delivery)
	}
	_, err = fmt.Fprintf(c.out, "%d deliveries are tried again\n", revived)
	return err
}
