package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

type clientsRevokeCommand struct {
	configFlags
	Client      string `arg:"" help:"Name or id of the client."`
	RemoveFiles bool   `help:"Remove its verified files, too, with their earlier versions."`
}

// Run shuts a client out, while the server runs or not: its next request is
// refused. Its name stays taken.
func (r clientsRevokeCommand) Run(ctx context.Context, c console) error {
	client, err := r.change(ctx, r.Client, (*persistence.Operator).Revoke)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "revoked  %s  %s\n", client.ID, logging.Untrusted(client.Name))
	if !r.RemoveFiles {
		return nil
	}
	operator, err := openOperator(ctx, r.configFlags)
	if err != nil {
		return err
	}
	err = operator.RemoveFiles(ctx, client.ID, func(f persistence.File) {
		fmt.Fprintf(c.out, "removed  %s\n", logging.Untrusted(f.FileName))
	})
	return errors.Join(err, operator.Close())
}

type clientsRestoreCommand struct {
	configFlags
	Client string `arg:"" help:"Name or id of the client."`
}

// Run lets a client in again.
func (r clientsRestoreCommand) Run(ctx context.Context, c console) error {
	client, err := r.change(ctx, r.Client, (*persistence.Operator).Restore)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "restored  %s  %s\n", client.ID, logging.Untrusted(client.Name))
	return err
}

// change finds a client and does to it what is to be done.
func (f configFlags) change(ctx context.Context, idOrName string,
	do func(*persistence.Operator, context.Context, persistence.ClientID) error) (client persistence.Client, err error) {
	store, _, err := openToLook(ctx, f)
	if err != nil {
		return client, err
	}
	client, err = findClient(ctx, store, idOrName)
	if err := errors.Join(err, store.Close()); err != nil {
		return client, err
	}
	operator, err := openOperator(ctx, f)
	if err != nil {
		return client, err
	}
	return client, errors.Join(do(operator, ctx, client.ID), operator.Close())
}
