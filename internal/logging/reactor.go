package logging

import (
	"fmt"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Reactor takes the lines of gnet, whose Logger interface it satisfies, as the event server.reactor. Their text
// stands in detail. Safe for concurrent use.
type Reactor struct{ log *zap.Logger }

// NewReactor returns a Reactor that writes to l, which New made.
func NewReactor(l *zap.Logger) *Reactor { return &Reactor{l} }

// Debugf writes a line at level debug.
func (r *Reactor) Debugf(format string, args ...any) { r.logf(zapcore.DebugLevel, format, args) }

// Infof writes a line at level info.
func (r *Reactor) Infof(format string, args ...any) { r.logf(zapcore.InfoLevel, format, args) }

// Warnf writes a line at level warn.
func (r *Reactor) Warnf(format string, args ...any) { r.logf(zapcore.WarnLevel, format, args) }

// Errorf writes a line at level error.
func (r *Reactor) Errorf(format string, args ...any) { r.logf(zapcore.ErrorLevel, format, args) }

// Fatalf writes a line at level error. It does not end the process: gnet then reports the error to its caller.
func (r *Reactor) Fatalf(format string, args ...any) { r.logf(zapcore.ErrorLevel, format, args) }

func (r *Reactor) logf(level zapcore.Level, format string, args []any) {
	if r.log.Core().Enabled(level) {
		logAt(r.log, level, ServerReactor, Detail(fmt.Sprintf(format, args...)))
	}
}
