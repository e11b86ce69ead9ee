package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/hooks"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

// The hooks, by the names that deliveries are recorded under.
const (
	hookCommand = "command"
	hookURL     = "url"
)

// hookNames names the hooks that are configured.
func hookNames(cfg *config.Config) (names []string) {
	if cfg.Hooks.Command != "" {
		names = append(names, hookCommand)
	}
	if cfg.Hooks.URL != "" {
		names = append(names, hookURL)
	}
	return names
}

// hookTargets makes the hooks that are configured.
func hookTargets(cfg *config.Config) (map[string]hooks.Target, error) {
	targets := make(map[string]hooks.Target)
	if cfg.Hooks.Command != "" {
		path, err := exec.LookPath(cfg.Hooks.Command)
		if err != nil && !errors.Is(err, exec.ErrDot) {
			return nil, fmt.Errorf("hooks.command: %w: name an executable file", err)
		}
		if path, err = filepath.Abs(path); err != nil {
			return nil, fmt.Errorf("hooks.command: %w", err)
		}
		dir, err := filepath.Abs(cfg.DataDir)
		if err != nil {
			return nil, fmt.Errorf("data_dir: %w", err)
		}
		targets[hookCommand] = hooks.Command{Path: path, DataDir: dir}
	}
	if cfg.Hooks.URL != "" {
		secret, err := hookSecret(cfg.Hooks.SecretFile)
		if err != nil {
			return nil, err
		}
		targets[hookURL] = hooks.NewWebhook(cfg.Hooks.URL, secret)
	}
	return targets, nil
}

func hookSecret(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("hooks.secret_file: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", fmt.Errorf("hooks.secret_file: %w", &fs.PathError{Op: "read", Path: file, Err: errors.New("it is empty; put a secret into it")})
	}
	return secret, nil
}

// startHooks begins to tell the hooks of what is recorded; nil when there are
// none.
func startHooks(cfg *config.Config, store *persistence.Store, targets map[string]hooks.Target, log *zap.Logger) *hooks.Runner {
	if len(targets) == 0 {
		return nil
	}
	return hooks.Start(hooks.Config{
		Outbox:   outbox{store},
		Targets:  targets,
		Timeout:  cfg.Hooks.Timeout,
		Attempts: cfg.Hooks.Attempts,
		Told:     func(d hooks.Delivery, failure error, dead bool) { logTold(log, d, failure, dead) },
		Fault:    func(err error) { logging.Log(log, logging.StorageFault, logging.Error(err)) },
	})
}

func logTold(log *zap.Logger, d hooks.Delivery, failure error, dead bool) {
	event := logging.HookDelivered
	switch {
	case dead:
		event = logging.HookDead
	case failure != nil:
		event = logging.HookFailed
	}
	logging.Log(log, event, logging.Hook(d.Target), logging.Delivery(d.ID), logging.Count(int64(d.Attempts)),
		logging.ClientName(d.Event.ClientName), logging.FileName(d.Event.FileName), logging.Error(failure))
}

// outbox lets the hooks take from the storage. The two rooms do not know each
// other.
type outbox struct{ store *persistence.Store }

func (o outbox) Recorded() <-chan struct{} { return o.store.DeliveriesRecorded() }

func (o outbox) Take(ctx context.Context, target string, limit int, lease time.Duration) (taken []hooks.Delivery, next time.Time, err error) {
	rows, next, err := o.store.TakeDeliveries(ctx, target, limit, lease)
	for _, row := range rows {
		taken = append(taken, hooks.Delivery{ID: row.Delivery, Target: row.Target, Attempts: row.Attempts, Event: hooks.Event{
			Type:       "file.verified",
			Delivery:   row.Delivery,
			ClientID:   row.ID.String(),
			ClientName: row.ClientName,
			FileName:   row.FileName,
			PathName:   row.PathName,
			Number:     row.Number,
			Size:       row.Size,
			CRC32:      fmt.Sprintf("%08x", row.CRC32),
			Cksum:      row.Cksum,
			VerifiedAt: row.VerifiedAt,
		}})
	}
	return taken, next, err
}

func (o outbox) Delivered(ctx context.Context, d hooks.Delivery) error {
	return o.store.Delivered(ctx, persistence.Delivery{Delivery: d.ID, Target: d.Target})
}

func (o outbox) Postpone(ctx context.Context, d hooks.Delivery, again time.Time, failure string) error {
	return o.store.Postpone(ctx, persistence.Delivery{Delivery: d.ID, Target: d.Target}, again, failure)
}
