package logging

import (
	"io"
	"os"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"
)

// Format is the form of a line.
type Format string

// The forms of a line.
const (
	FormatAuto Format = "auto" // text at a terminal, else JSON
	FormatJSON Format = "json"
	FormatText Format = "text"
)

// flushInterval is how long a line may wait in the buffer. Lines from warn on do not wait, unless others of them were
// written just before.
const flushInterval = 200 * time.Millisecond

// Options say where lines go and how they look.
type Options struct {
	Writer     io.Writer // is never called concurrently
	Level      zapcore.Level
	Format     Format
	IsTerminal bool // Writer is a terminal
	NoColor    bool // the terminal shall get no colours

	Alarm io.Writer // gets lines of level error as JSON, besides; nil: nothing does
}

// Stderr returns the options for standard error: is it a terminal, and does the environment ask for no colours
// (NO_COLOR as in https://no-color.org, or TERM=dumb)?
func Stderr(level zapcore.Level, format Format) Options {
	return Options{
		Writer:     os.Stderr,
		Level:      level,
		Format:     format,
		IsTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		NoColor:    os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb",
	}
}

// New returns a logger, its level, which can be changed while it is in use, and a function to call at the end: it
// writes what is buffered and ends the goroutine that does so meanwhile. Lines logged later are written at once.
//
// A writer that fails costs lines, never the server: they are counted, and a line log.lost says how many there were
// once writing works again.
func New(o Options) (*zap.Logger, zap.AtomicLevel, func()) {
	level := zap.NewAtomicLevelAt(o.Level)
	sink := &sink{writer: o.Writer}
	buffer := &zapcore.BufferedWriteSyncer{WS: zapcore.AddSync(sink), FlushInterval: flushInterval}
	out := zapcore.NewCore(encoder(o), buffer, zapcore.DebugLevel)
	c := &core{Core: out, level: level, shared: &shared{told: out, sink: sink, sampler: newSampler()}}
	if o.Alarm != nil {
		c.alarm = zapcore.NewCore(jsonEncoder(), zapcore.Lock(zapcore.AddSync(o.Alarm)), zapcore.DebugLevel)
	}
	flush := func() {
		c.stopped.Store(true)
		c.tell(time.Now().Add(time.Second)) // this second ends here
		// The sink keeps no error.
		_ = buffer.Stop()
	}
	return zap.New(c), level, flush
}

func encoder(o Options) zapcore.Encoder {
	if o.Format == FormatText || o.Format != FormatJSON && o.IsTerminal {
		return newTextEncoder(o.IsTerminal && !o.NoColor)
	}
	return jsonEncoder()
}

func jsonEncoder() zapcore.Encoder {
	return zapcore.NewJSONEncoder(zapcore.EncoderConfig{
		TimeKey:        "ts",
		LevelKey:       "level",
		NameKey:        "event",
		MessageKey:     "msg",
		EncodeTime:     encodeTime,
		EncodeLevel:    zapcore.LowercaseLevelEncoder,
		EncodeDuration: zapcore.SecondsDurationEncoder,
	})
}

// timeLayout is RFC 3339 with microseconds; for times in UTC the zone is Z.
const timeLayout = "2006-01-02T15:04:05.000000Z07:00"

func encodeTime(t time.Time, out zapcore.PrimitiveArrayEncoder) {
	// Every encoder of zap has this method; it appends without an intermediate string.
	if direct, ok := out.(interface{ AppendTimeLayout(time.Time, string) }); ok {
		direct.AppendTimeLayout(t.UTC(), timeLayout)
		return
	}
	out.AppendString(t.UTC().Format(timeLayout))
}
