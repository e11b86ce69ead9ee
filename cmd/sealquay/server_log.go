package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
)

// A serverLog is the log of the server, and where it goes.
type serverLog struct {
	log   *zap.Logger
	level zap.AtomicLevel
	file  *logging.File // nil: standard error
	flush func()

	mu     sync.Mutex
	others []func(*config.Config) error // what else a SIGHUP has read anew
}

// onReload has f called with the new configuration at each SIGHUP from now on.
func (s *serverLog) onReload(f func(*config.Config) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.others = append(s.others, f)
}

// openServerLog makes the logger of the server. It writes to standard error, or
// to the file that is configured.
func openServerLog(l config.Log, c console) (*serverLog, error) {
	s := new(serverLog)
	o := logging.Stderr(levelOf(l), logging.Format(l.Format))
	if c.err != os.Stderr {
		o.Writer, o.IsTerminal = c.err, false
	}
	if l.File != "" {
		file, err := logging.OpenFile(l.File, logging.Rotation{
			Size:       l.MaxSize,
			Every:      l.RotateInterval,
			MaxAge:     l.MaxAge,
			MaxBackups: l.MaxBackups,
			Compress:   string(l.Compress),
		})
		if err != nil {
			return nil, fmt.Errorf("%w: choose another log.file", err)
		}
		s.file = file
		o.Alarm, o.Writer, o.IsTerminal = o.Writer, file, false
	}
	s.log, s.level, s.flush = logging.New(o)
	return s, nil
}

func levelOf(l config.Log) zapcore.Level {
	level, err := zapcore.ParseLevel(string(l.Level))
	if err != nil {
		panic(fmt.Sprintf("the configuration let %q through as a level", l.Level))
	}
	return level
}

// reloadOnHangup opens the file again and reads the level anew at each SIGHUP,
// until the function it returns is called. SIGHUP is what logrotate and service
// managers send; the level comes from the configuration, so that it is never
// another one than what is written there, as it would be with signals of its own.
// The service manager is told.
func (s *serverLog) reloadOnHangup(load func() (*config.Config, error), m *manager) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	var done sync.WaitGroup
	done.Go(func() {
		for range signals {
			m.reloads(func() { s.reload(load) })
		}
	})
	return func() {
		signal.Stop(signals)
		close(signals)
		done.Wait()
	}
}

func (s *serverLog) reload(load func() (*config.Config, error)) {
	var errs []error
	if s.file != nil {
		errs = append(errs, s.log.Sync(), s.file.Reopen()) // lines from before belong to the old file
	}
	cfg, err := load()
	if err == nil {
		s.level.SetLevel(levelOf(cfg.Log))
		s.mu.Lock()
		for _, f := range s.others {
			errs = append(errs, f(cfg))
		}
		s.mu.Unlock()
	}
	if err := errors.Join(append(errs, err)...); err != nil {
		logging.Log(s.log, logging.ConfigWarning, logging.Signal("SIGHUP"), logging.Error(err))
	}
	logging.NewAudit(s.log).Log(logging.LogReopened, logging.Signal("SIGHUP"), logging.MinimumLevel(s.level.String()))
}

// close writes what is buffered and ends the log.
func (s *serverLog) close() {
	s.flush()
	if s.file != nil {
		_ = s.file.Close() // nobody is left to tell
	}
}
