package reactor

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/internal/measure"
)

// limitLogPause is the shortest time between two lines about one limit: who
// floods the server is not to flood its log.
const limitLogPause = time.Second

// A limitLog writes the lines about limits that were hit. It may be used from
// anywhere.
type limitLog struct {
	log   *zap.Logger
	audit *logging.Audit // takes what a source is refused for
	total *measure.Counts[logging.Reason]

	mu   sync.Mutex
	hits map[logging.Reason]*limitHits
}

type limitHits struct {
	count int64 // since the last line
	quiet time.Time
}

func newLimitLog(log *zap.Logger, total *measure.Counts[logging.Reason]) *limitLog {
	return &limitLog{log: log, audit: logging.NewAudit(log), total: total, hits: make(map[logging.Reason]*limitHits)}
}

// hit notes that a limit was hit; key names it, if the configuration does. A
// line says how often that happened since the last one.
func (l *limitLog) hit(why logging.Reason, key string, more ...zap.Field) {
	l.total.Add(why)
	count := l.count(why, time.Now())
	if count == 0 {
		return
	}
	fields := append(more, logging.ReasonField(why), logging.Count(count))
	if key != "" {
		fields = append(fields, logging.Limit(key))
	}
	if why.IsPolicy() {
		l.audit.Log(logging.LimitHit, fields...)
		return
	}
	logging.Log(l.log, logging.LimitHit, fields...)
}

// count returns how many hits a line is to tell of, 0 if there is to be none.
func (l *limitLog) count(why logging.Reason, now time.Time) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.hits[why]
	if h == nil {
		h = new(limitHits)
		l.hits[why] = h
	}
	h.count++
	if now.Before(h.quiet) {
		return 0
	}
	n := h.count
	h.count, h.quiet = 0, now.Add(limitLogPause)
	return n
}

// limit returns why a request is refused before anybody looks at it, or "".
func (c *conn) limit(f codec.Frame) logging.Reason {
	switch {
	case f.Header.Code == codec.CodeRegistration && !c.r.sources.register(c.source, c.loop.now):
		c.r.limits.hit(logging.TooManyRegistrations, "registrations_per_minute",
			logging.ConnID(c.id), logging.ClientIP(c.remote.Addr()))
		return logging.TooManyRegistrations
	case f.Content > 0 && !c.beginUpload():
		c.r.limits.hit(logging.TooManyUploads, "max_uploads",
			logging.ConnID(c.id), logging.ClientIP(c.remote.Addr()))
		return logging.TooManyUploads
	}
	return ""
}

// beginUpload takes a place among the uploads, if there is one.
func (c *conn) beginUpload() bool {
	if c.r.uploads.Add(1) > int64(c.r.MaxUploads) {
		c.r.uploads.Add(-1)
		return false
	}
	c.uploads.Add(1)
	return true
}

// endUpload gives it back. Each upload has its content complete or skipped, or
// ends with its connection.
func (c *conn) endUpload() {
	c.uploads.Add(-1)
	c.r.uploads.Add(-1)
}
