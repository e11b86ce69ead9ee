package logging

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// urgentPause is the shortest time between two writes that urgent lines cause: a flood of them shares its writes.
const urgentPause = 10 * time.Millisecond

// core sees that every line has its event, that urgent lines are written at once, that noise stays bounded, and that
// lines which were lost or left out are told of.
type core struct {
	zapcore.Core // takes every level
	level        zapcore.LevelEnabler
	alarm        zapcore.Core // gets lines of level error as well; may be nil
	audit        bool
	*shared
}

// shared is what a core has in common with those derived from it.
type shared struct {
	told    zapcore.Core // takes the lines about the log itself
	sink    *sink
	sampler *sampler
	stopped atomic.Bool
	urgent  atomic.Int64 // when an urgent line was written last, in nanoseconds since 1970
}

func (c *core) With(fields []zapcore.Field) zapcore.Core {
	derived := *c
	derived.Core = c.Core.With(fields)
	if c.alarm != nil {
		derived.alarm = c.alarm.With(fields)
	}
	return &derived
}

// unconditional returns the core of an Audit.
func (c *core) unconditional() zapcore.Core {
	derived := *c
	derived.audit = true
	return &derived
}

func (c *core) Enabled(l zapcore.Level) bool { return c.audit || c.level.Enabled(l) }

func (c *core) Check(e zapcore.Entry, line *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return line.AddCore(e, c)
	}
	return line
}

func (c *core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if !Event(e.LoggerName).Known() {
		fields = append(fields[:len(fields):len(fields)], zap.String("detail", escape(e.Message, detailLimit, false)))
		e.LoggerName, e.Message = string(LogOther), LogOther.Message()
	}
	if !c.audit && !c.sampler.admit(Event(e.LoggerName), e.Time) {
		return nil
	}
	c.tell(e.Time)
	if err := c.Core.Write(e, fields); err != nil {
		return err
	}
	if c.alarm != nil && e.Level >= zapcore.ErrorLevel {
		if err := c.alarm.Write(e, fields); err != nil {
			return err
		}
	}
	if c.isUrgent(e) {
		return c.Sync()
	}
	return nil
}

// isUrgent tells whether a line must not wait in the buffer.
func (c *core) isUrgent(e zapcore.Entry) bool {
	if c.stopped.Load() {
		return true
	}
	if e.Level < zapcore.WarnLevel {
		return false
	}
	now, last := e.Time.UnixNano(), c.urgent.Load()
	return now-last >= int64(urgentPause) && c.urgent.CompareAndSwap(last, now)
}

// tell writes lines about the log itself, if there is something to tell. Its errors are the sink's, which keeps them.
func (s *shared) tell(now time.Time) {
	for _, d := range s.sampler.due(now) {
		_ = s.told.Write(entryOf(LogSampled, now), []zapcore.Field{DroppedEvent(d.event), Count(d.count)})
	}
	if s.sink.recovered.Swap(false) {
		_ = s.told.Write(entryOf(LogLost, now), []zapcore.Field{Count(s.sink.lost.Load())})
	}
}

// Dropped returns how many lines the logger, which New made, has left out since its start because there were too many of
// their event, and how many it could not write. Of another logger it knows nothing.
func Dropped(l *zap.Logger) (sampled, lost int64) {
	if c, ours := l.Core().(*core); ours {
		return c.sampler.total.Load(), c.sink.lost.Load()
	}
	return 0, 0
}

func entryOf(e Event, at time.Time) zapcore.Entry {
	return zapcore.Entry{Time: at, Level: e.Level(), LoggerName: string(e), Message: e.Message()}
}
