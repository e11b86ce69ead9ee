package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
)

type serveCommand struct {
	configFlags
	addressFlags

	TakeOver int `placeholder:"PID" help:"Take port and storage over from the server with this process id, without refusing a connection meanwhile."`
}

// Run serves until a signal ends it. The first one drains, a second one ends at
// once.
func (s serveCommand) Run(ctx context.Context, c console) error {
	cfg, warnings, err := s.load(s.flags()...)
	if err != nil {
		return err
	}
	if err := confineEarly(cfg); err != nil {
		return err
	}
	output, err := openServerLog(cfg.Log, c)
	if err != nil {
		return err
	}
	defer output.close()
	log := output.log
	manager := &manager{log: log}
	defer output.reloadOnHangup(func() (*config.Config, error) {
		changed, _, err := s.load(s.flags()...)
		return changed, err
	}, manager)()
	logging.Log(log, logging.ServerStart, logging.Version(version()), logging.ProcessID(os.Getpid()))
	for _, w := range warnings {
		logging.Log(log, logging.ConfigWarning, logging.Path(w.File), logging.Key(w.Key),
			logging.Found(w.Found), logging.Detail(w.String()))
	}
	server, err := s.start(ctx, cfg, log)
	if err != nil {
		logging.Log(log, logging.ServerFailed, logging.Error(err))
		return failure{err}
	}
	addForLoops(server.EventLoops)
	output.onReload(server.allowed.reload)
	if err := s.confineServer(cfg, log); err != nil {
		logging.Log(log, logging.ServerFailed, logging.Error(err))
		return failure{errors.Join(err, server.Stop(ctx))}
	}
	logging.Log(log, logging.ServerReady, logging.Addr(server.Addr().String()), server.tlsAddr())
	if server.keeper != nil {
		defer reloadOnHangup(server.keeper)()
	}
	if shown := startAdmin(cfg, log, server); shown != nil {
		defer shown.Close()
	}
	_ = log.Sync() // scripts wait for this line; a log that cannot be written is not worth an end
	manager.isReady(server.Addr().String())
	stopKeepAlive := manager.keepAlive(server.Responds)
	select {
	case <-ctx.Done():
		manager.drains()
		stopKeepAlive()
		return s.drain(server, cfg, log)
	case err := <-server.Failed():
		stopKeepAlive()
		logging.Log(log, logging.ServerFailed, logging.Error(err))
		return failure{errors.Join(err, server.Stop(context.Background()))}
	}
}

func (s serveCommand) start(ctx context.Context, cfg *config.Config, log *zap.Logger) (*server, error) {
	if s.TakeOver > 0 {
		return takeOver(ctx, cfg, log, s.TakeOver)
	}
	return startServer(ctx, cfg, log)
}

// drain lets uploads finish, as long as the configuration allows and no second
// signal comes.
func (s serveCommand) drain(server *server, cfg *config.Config, log *zap.Logger) error {
	patience, stop := context.WithTimeout(context.Background(), cfg.DrainTimeout)
	defer stop()
	patience, impatient := signal.NotifyContext(patience, syscall.SIGINT, syscall.SIGTERM)
	defer impatient()
	logging.Log(log, logging.ServerDrain, logging.Count(server.Connections())) // a second signal counts from here on
	err := server.Stop(patience)
	logging.Log(log, logging.ServerStop, logging.Error(err))
	if err != nil {
		return failure{err}
	}
	return nil
}
