package logging

import (
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Log writes a line about e to l, which New made. The fields may be used again afterwards: a caller that logs often
// and keeps them in a slice of its own saves the allocation of one. Safe for concurrent use.
func Log(l *zap.Logger, e Event, fields ...zap.Field) {
	logAt(l, e.Level(), e, fields...)
}

// logAt is Log at another level than the event's own.
func logAt(l *zap.Logger, level zapcore.Level, e Event, fields ...zap.Field) {
	if line := l.Check(level, e.Message()); line != nil {
		// The name of the logger is the one part of a zap entry that is free; as a field, the event would cost a
		// copy of the others.
		line.LoggerName = string(e)
		line.Write(fields...)
	}
}

// Enabled tells whether lines about e are written, for callers whose fields are dear.
func Enabled(l *zap.Logger, e Event) bool { return l.Core().Enabled(e.Level()) }
