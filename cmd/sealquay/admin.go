package main

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/sealquay/sealquay/internal/admin"
	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/live"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/internal/metrics"
)

// startAdmin shows a server to operators, unless the configuration has no
// address for that; then it returns nil.
func startAdmin(cfg *config.Config, log *zap.Logger, s *server) *adminServer {
	if !cfg.Admin.Address.IsValid() {
		return nil
	}
	page := live.New(live.Sources{
		Reactor:  s.Reactor,
		Handlers: s.handlers,
		Store:    s.store,
		Ready:    s.store.Ready,
		Version:  version(),
		Addr:     s.Addr().String(),
	})
	return &adminServer{page: page, Server: admin.Start(admin.Config{
		Address: cfg.Admin.Address,
		Hosts:   cfg.Admin.Hosts,
		Metrics: metrics.Handler(metrics.Sources{
			Reactor:      s.Reactor,
			Handlers:     s.handlers,
			Store:        s.store,
			DroppedLines: func() (sampled, lost int64) { return logging.Dropped(log) },
			Version:      version(),
		}),
		Page:  page,
		Ready: s.Ready,
		Log:   log,
	})}
}

// An adminServer is what operators look at.
type adminServer struct {
	*admin.Server
	page *live.Page
}

// Close ends it.
func (a *adminServer) Close() {
	a.Server.Close()
	a.page.Close()
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
