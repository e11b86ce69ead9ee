package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"github.com/sealquay/sealquay/internal/logging"
)

// A manager is the service manager that started the process, as systemd does
// for units of Type=notify (sd_notify(3)). Where there is none, nothing is told.
type manager struct {
	log   *zap.Logger
	ready atomic.Bool
}

// isReady tells that connections are accepted at addr.
func (m *manager) isReady(addr string) {
	m.ready.Store(true)
	m.tell(daemon.SdNotifyReady + "\nSTATUS=Receiving at " + addr)
}

// reloads tells that the configuration is read anew while f runs. Before the
// server is ready there is nothing to tell.
func (m *manager) reloads(f func()) {
	if !m.ready.Load() {
		f()
		return
	}
	m.tell(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	f()
	m.tell(daemon.SdNotifyReady)
}

// drains tells that the server stops when its uploads are finished.
func (m *manager) drains() {
	m.ready.Store(false)
	m.tell(daemon.SdNotifyStopping + "\nSTATUS=Letting uploads finish")
}

func (m *manager) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		logging.Log(m.log, logging.ServerWarning, logging.Detail("The service manager could not be told."), logging.Error(err))
	}
}

// keepAlive tells a manager that has a watchdog that the process is well, twice
// as often as it asks for, as long as responds returns in that time without an
// error. The function it returns ends this.
func (m *manager) keepAlive(responds func(context.Context) error) (stop func()) {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		logging.Log(m.log, logging.ServerWarning, logging.Detail("The service manager's watchdog is not served."), logging.Error(err))
	}
	if limit == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { m.keepAliveEvery(ctx, limit/2, responds) })
	return func() {
		cancel()
		done.Wait()
	}
}

func (m *manager) keepAliveEvery(ctx context.Context, interval time.Duration, responds func(context.Context) error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		switch err := m.responds(ctx, interval, responds); {
		case ctx.Err() != nil:
			return
		case err != nil:
			logging.Log(m.log, logging.ServerWarning, logging.Error(err))
		default:
			m.tell(daemon.SdNotifyWatchdog)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (m *manager) responds(ctx context.Context, limit time.Duration, responds func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return responds(ctx)
}
