package handlers

import (
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

// quotas says how each quota is called in the configuration and in the log.
var quotas = map[persistence.QuotaKind]struct {
	setting string
	reason  logging.Reason
}{
	persistence.QuotaClientFiles: {"quota.client_files", logging.QuotaFiles},
	persistence.QuotaClientBytes: {"quota.client_bytes", logging.QuotaBytes},
	persistence.QuotaTotalFiles:  {"quota.total_files", logging.QuotaTotalFiles},
	persistence.QuotaTotalBytes:  {"quota.total_bytes", logging.QuotaTotalBytes},
}

func (s *Session) logQuotaWarnings(warnings []persistence.QuotaWarning) {
	for _, w := range warnings {
		s.event(logging.QuotaWarning, logging.Limit(quotas[w.Kind].setting), logging.Value(w.Used), logging.Wanted(w.Limit))
	}
}

func (s *Session) logLowSpace(err error) {
	s.event(logging.LimitHit, logging.Limit("quota.free_space"), logging.Error(err))
}
