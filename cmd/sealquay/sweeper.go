package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

// A sweeper has the storage swept at start and from time to time, and has files
// removed that are not to be kept any longer.
type sweeper struct {
	store  *persistence.Store
	keep   persistence.Retention
	log    *zap.Logger
	audit  *logging.Audit
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// startSweeper sweeps now and after every interval; 0 is only now. Serving does
// not wait for it.
func startSweeper(store *persistence.Store, keep persistence.Retention, every time.Duration, log *zap.Logger) *sweeper {
	ctx, cancel := context.WithCancel(context.Background())
	s := &sweeper{store: store, keep: keep, log: log, audit: logging.NewAudit(log), cancel: cancel}
	s.done.Go(func() { s.run(ctx, every) })
	return s
}

func (s *sweeper) stop() {
	s.cancel()
	s.done.Wait()
}

func (s *sweeper) run(ctx context.Context, every time.Duration) {
	s.sweep(ctx)
	if every == 0 {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.sweep(ctx)
		}
	}
}

// sweep sweeps once and logs what was found; an empty sweep is not worth a line.
func (s *sweeper) sweep(ctx context.Context) {
	report, err := s.store.Sweep(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		logging.Log(s.log, logging.StorageFault, logging.Error(err))
	}
	for _, f := range report.Missing {
		logging.Log(s.log, logging.StorageOrphan, logging.ClientID(f.ID), logging.FileName(f.FileName), logging.Path(f.PathName))
	}
	s.retain(ctx)
	if found := report.Intents + report.Removed + len(report.Quarantined) + len(report.Drafts); found > 0 {
		logging.Log(s.log, logging.StorageSweep, logging.Count(int64(found)))
	}
}

// retain removes the files that are not to be kept. The log says of each why.
func (s *sweeper) retain(ctx context.Context) {
	err := s.store.Retain(ctx, s.keep, func(f persistence.File, why persistence.Expiry) {
		reason := logging.RetentionAge
		if why == persistence.ExpiredByCount {
			reason = logging.RetentionCount
		}
		s.audit.Log(logging.FileExpired, logging.ClientID(f.ID), logging.FileName(f.FileName), logging.FileSize(f.Size),
			logging.ReasonField(reason))
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		logging.Log(s.log, logging.StorageFault, logging.Error(err))
	}
}
