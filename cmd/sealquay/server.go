package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"

	"go.uber.org/zap"

	"github.com/sealquay/sealquay/handlers"
	"github.com/sealquay/sealquay/internal/certificate"
	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/hooks"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
	"github.com/sealquay/sealquay/reactor"
)

// A server is the rooms of the house, connected.
type server struct {
	*reactor.Reactor
	store    *persistence.Store
	handlers *handlers.Service
	sweeper  *sweeper
	allowed  *allowlist
	draining atomic.Bool
	hooks    *hooks.Runner       // nil: none is configured
	keeper   *certificate.Keeper // of the certificate; nil: there is no TLS
}

// startServer opens the storage and then the port.
func startServer(ctx context.Context, cfg *config.Config, log *zap.Logger) (*server, error) {
	options, err := storeOptions(cfg, log)
	if err != nil {
		return nil, err
	}
	store, err := persistence.Open(ctx, options)
	if err != nil {
		return nil, err
	}
	ports, err := listen(ctx, cfg, false)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return startServing(cfg, log, store, ports)
}

// startServing connects the rooms. The server closes the storage and the
// ports, also when it does not start.
func startServing(cfg *config.Config, log *zap.Logger, store *persistence.Store, ports ports) (*server, error) {
	allowed, err := openAllowlist(cfg)
	if err != nil {
		return nil, errors.Join(err, ports.close(), store.Close())
	}
	s := &server{store: store, allowed: allowed}
	told, err := hookTargets(cfg)
	if err != nil {
		return nil, errors.Join(err, ports.close(), store.Close())
	}
	if s.keeper, err = keepCertificate(cfg, log); err != nil {
		return nil, errors.Join(err, ports.close(), store.Close())
	}
	s.handlers = handlers.NewService(handlers.Config{
		Store:            s.store,
		Log:              log,
		Checksum:         handlers.Checksum(cfg.Checksum),
		KeyLifetime:      cfg.KeyLifetime,
		MayRegister:      allowed.mayRegister,
		MaxUploadSize:    cfg.MaxUploadSize,
		TakenNameTimeout: cfg.TakenNameTimeout,
		Bandwidth:        cfg.BandwidthPerClient,
		VerifyTimeout:    cfg.VerifyTimeout,
	})
	s.Reactor, err = reactor.Start(reactorConfig(cfg, log, ports.plain, reactorTLS(cfg, ports.tls, s.keeper), s.handlers))
	if err != nil {
		s.closeKeeper()
		s.handlers.Close()
		return nil, errors.Join(err, ports.close(), store.Close())
	}
	s.sweeper = startSweeper(s.store, persistence.Retention(cfg.Retention), cfg.SweepInterval, log)
	s.hooks = startHooks(cfg, store, told, log)
	return s, nil
}

func storeOptions(cfg *config.Config, log *zap.Logger) (persistence.Options, error) {
	o, err := storagePlace(cfg)
	if err != nil {
		return o, err
	}
	o.Keep = cfg.KeepVersions
	o.Quota = quotaOf(cfg)
	o.MinFree = cfg.Quota.FreeSpace
	o.JournalUpTo = cfg.JournalUpTo
	o.KeyChanges = cfg.KeyChangesPerHour
	o.Hooks = hookNames(cfg)
	o.Trouble = func(err error) { logging.Log(log, logging.StorageFault, logging.Error(err)) }
	o.Warn = func(err error) { logging.Log(log, logging.StorageRelaxed, logging.Error(err)) }
	if cfg.Durability == config.DurabilityRelaxed {
		o.Durability = persistence.Relaxed
		logging.Log(log, logging.StorageRelaxed)
	}
	switch cfg.KeyPolicy {
	case config.KeyPin:
		o.KeyPolicy = persistence.Pin
	case config.KeyApprove:
		o.KeyPolicy = persistence.Approve
	}
	switch cfg.OnConflict {
	case config.ConflictKeep:
		o.OnConflict = persistence.Keep
	case config.ConflictRefuse:
		o.OnConflict = persistence.Refuse
	}
	return o, nil
}

func quotaOf(cfg *config.Config) persistence.Quota {
	return persistence.Quota{
		ClientFiles: int64(cfg.Quota.ClientFiles),
		ClientBytes: cfg.Quota.ClientBytes,
		TotalFiles:  int64(cfg.Quota.TotalFiles),
		TotalBytes:  cfg.Quota.TotalBytes,
	}
}

// listenAt opens a port. The last two say where another one is chosen, and
// another address.
func listenAt(ctx context.Context, addr netip.AddrPort, beside bool, portFrom, addressFrom string) (net.Listener, error) {
	l, err := reactor.Listen(ctx, addr, beside)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use: end the program that listens there, or choose another port with %s", addr, portFrom)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s is no address of this machine: choose one with %s", addr.Addr(), addressFrom)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("port %d needs privileges: choose one above 1023 with %s", addr.Port(), portFrom)
	case err != nil:
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

func reactorConfig(cfg *config.Config, log *zap.Logger, l net.Listener, tls reactor.TLS, h *handlers.Service) reactor.Config {
	return reactor.Config{
		Listener:   l,
		TLS:        tls,
		EventLoops: cfg.EventLoops,
		Workers:    cfg.Workers,

		MemoryBudget: cfg.MemoryBudget,
		HighMark:     cfg.ConnectionHighMark,
		LowMark:      cfg.ConnectionLowMark,

		MaxConnections:          cfg.MaxConnections,
		MaxConnectionsPerSource: cfg.MaxConnectionsPerSource,
		MaxUploads:              cfg.MaxUploads,
		RegistrationsPerMinute:  cfg.RegistrationsPerMinute,
		PenaltyMax:              cfg.PenaltyMax,
		ProxyProtocolFrom:       cfg.ProxyProtocolFrom,

		RequestTimeout:         cfg.RequestTimeout,
		IdleTimeout:            cfg.IdleTimeout,
		OutputTimeout:          cfg.OutputTimeout,
		MinimumBodyRate:        cfg.MinimumBodyRate,
		ShortRegistrationGrace: cfg.ShortRegistrationGrace,
		NewSession: func(c reactor.ConnInfo) reactor.Session {
			return session{h.NewSession(handlers.Conn(c))}
		},
		Log: log,
	}
}

// session lets the reactor talk to a session of the handlers. The two rooms do
// not know each other; their types are the same, field by field.
type session struct{ *handlers.Session }

func (s session) Request(ctx context.Context, r reactor.Request) reactor.Answer {
	return reactor.Answer(s.Session.Request(ctx, handlers.Request(r)))
}

func (s session) Content(ctx context.Context, p []byte) reactor.Answer {
	return reactor.Answer(s.Session.Content(ctx, p))
}

func (s session) ContentEnd(ctx context.Context) reactor.Answer {
	return reactor.Answer(s.Session.ContentEnd(ctx))
}

// Stop drains the reactor, then closes what it stood on.
func (s *server) Stop(ctx context.Context) error {
	s.draining.Store(true)
	err := s.Drain(ctx)
	if s.hooks != nil {
		s.hooks.Stop()
	}
	s.closeKeeper()
	s.sweeper.stop()
	s.handlers.Close()
	return errors.Join(err, s.store.Close())
}
