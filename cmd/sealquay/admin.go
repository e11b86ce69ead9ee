package main

import (
	"context"
	"errors"
	"net/http"

	"go.uber.org/zap"

	"github.com/sealquay/sealquay/internal/admin"
	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/internal/metrics"
)

// startAdmin shows a server to operators, unless the configuration has no
// address for that; then it returns nil.
func startAdmin(cfg *config.Config, log *zap.Logger, s *server) *admin.Server {
	if !cfg.Admin.Address.IsValid() {
		return nil
	}
	return admin.Start(admin.Config{
		Address: cfg.Admin.Address,
		Hosts:   cfg.Admin.Hosts,
		Metrics: metrics.Handler(metrics.Sources{
			Reactor:      s.Reactor,
			Handlers:     s.handlers,
			Store:        s.store,
			DroppedLines: func() (sampled, lost int64) { return logging.Dropped(log) },
			Version:      version(),
		}),
		Page:  http.NotFoundHandler(),
		Ready: s.Ready,
		Log:   log,
	})
}

var errDraining = errors.New("the server drains")

// Ready returns nil if clients are to be sent here: the server does not drain,
// and its storage works.
func (s *server) Ready(ctx context.Context) error {
	if s.draining.Load() {
		return errDraining
	}
	return s.store.Ready(ctx)
}
