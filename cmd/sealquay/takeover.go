package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/persistence"
)

// lockPause is the time between two looks whether the storage is free.
const lockPause = 10 * time.Millisecond

// takeOver starts a server in the place of the one with the process id pid. It
// listens first, then ends the other, which drains; one process at a time has
// the storage, so connections wait in this one's backlog until the other is
// gone. None is refused.
func takeOver(ctx context.Context, cfg *config.Config, log *zap.Logger, pid int) (*server, error) {
	ports, err := listen(ctx, cfg, true)
	if err != nil {
		return nil, err
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return nil, errors.Join(fmt.Errorf("end process %d: %w", pid, err), ports.close())
	}
	store, err := awaitStore(ctx, cfg, log)
	if err != nil {
		return nil, errors.Join(err, ports.close())
	}
	return startServing(cfg, log, store, ports)
}

// awaitStore opens the storage once no other process uses it.
func awaitStore(ctx context.Context, cfg *config.Config, log *zap.Logger) (*persistence.Store, error) {
	options, err := storeOptions(cfg, log)
	if err != nil {
		return nil, err
	}
	for {
		store, err := persistence.Open(ctx, options)
		if !errors.Is(err, persistence.ErrLocked) {
			return store, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(lockPause):
		}
	}
}
