package main

import (
	"context"

	"github.com/sealquay/sealquay/persistence"
)

// openOperator opens the storage that the configuration names, to change in it
// what an operator may change beside the server.
func openOperator(ctx context.Context, f configFlags) (*persistence.Operator, error) {
	cfg, _, err := f.load()
	if err != nil {
		return nil, err
	}
	options, err := storagePlace(cfg)
	if err != nil {
		return nil, err
	}
	options.Quota = quotaOf(cfg) // its counters follow what is removed
	return persistence.OpenOperator(ctx, options)
}
