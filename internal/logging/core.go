package logging

import (
	"sync/atomic"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// core sees that every line has its event, that urgent lines are written at once, and that lost ones are told of.
type core struct {
	zapcore.Core
	sink    *sink
	stopped atomic.Bool
	parent  *core // whose sink and stopped are in force; nil for the first core
}

func (c *core) root() *core {
	if c.parent != nil {
		return c.parent
	}
	return c
}

func (c *core) With(fields []zapcore.Field) zapcore.Core {
	return &core{Core: c.Core.With(fields), parent: c.root()}
}

func (c *core) Check(e zapcore.Entry, line *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return line.AddCore(e, c)
	}
	return line
}

func (c *core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	root := c.root()
	if root.sink.recovered.Swap(false) {
		told := zapcore.Entry{Time: e.Time, Level: LogLost.Level(), LoggerName: string(LogLost), Message: LogLost.Message()}
		if err := root.Core.Write(told, []zapcore.Field{Count(root.sink.lost.Load())}); err != nil {
			return err
		}
	}
	if !Event(e.LoggerName).Known() {
		fields = append(fields[:len(fields):len(fields)], zap.String("detail", escape(e.Message, detailLimit, false)))
		e.LoggerName, e.Message = string(LogOther), LogOther.Message()
	}
	if err := c.Core.Write(e, fields); err != nil {
		return err
	}
	if e.Level >= zapcore.WarnLevel || root.stopped.Load() {
		return c.Core.Sync()
	}
	return nil
}
