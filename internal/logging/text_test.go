package logging

import (
	"bytes"
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

var update = flag.Bool("update", false, "write the golden files and docs/LOGGING.md instead of comparing them")

// golden compares got with a file.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; go test ./internal/logging -update writes it. Got:\n%s", path, got)
	}
}

// fixedClock stands still, an hour before UTC.
type fixedClock struct{}

func (fixedClock) Now() time.Time {
	return time.Date(2026, 11, 23, 13, 31, 52, 123456789, time.FixedZone("", -3600))
}

func (fixedClock) NewTicker(d time.Duration) *time.Ticker { return time.NewTicker(d) }

// session writes lines of every level, with ordinary and with hostile fields.
func session(l *zap.Logger) {
	Log(l, ServerReady, Addr("127.0.0.1:1234"), Mechanism("read interest"))
	Log(l, ConnOpen, ConnID(7), ClientIP(netip.MustParseAddr("192.0.2.7")), ClientPort(40000))
	bound := l.With(ConnID(7), ClientName("Ada Lovelace"))
	Log(bound, RequestDone, RequestID(1), Op("registration"), OpCode(1100), Status(2100), BytesIn(278), BytesOut(23),
		QueueWait(12345*time.Nanosecond), Duration(1234567*time.Nanosecond))
	Log(bound, RequestDone, RequestID(2), Op("encrypted_file"), OpCode(1103), Status(2101), ReasonField(FileNameControl),
		FileName("a=\"b\"\x1b]0;owned\a\n\u202egpj.exe\xff\\"), Duration(90*time.Second))
	Log(l, LimitHit, Limit("max_uploads"), Value(16), ClientID([16]byte{0: 0xab, 15: 0x01}))
	Log(l, StorageFault, Error(errors.New("write data/x: \x1b[2Jno space left on device")))
	Log(l, FileVerified, FileName(""), FileSize(0))
	Log(l, ServerStop)
	NewReactor(l).Warnf("loop %d stops", 3)
	l.Info("from elsewhere", zap.String("raw", "\x1b[2J"), zap.Any("nested", map[string]string{"a": "\u202e"}))
}

func TestForms(t *testing.T) {
	for name, o := range map[string]Options{
		"lines.json":    {},
		"forced.json":   {IsTerminal: true, Format: FormatJSON},
		"terminal.text": {IsTerminal: true, Format: FormatAuto},
		"nocolor.text":  {IsTerminal: true, NoColor: true},
		"forced.text":   {Format: FormatText},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			o.Writer, o.Level = &out, zapcore.DebugLevel
			l, _, flush := New(o)
			session(l.WithOptions(zap.WithClock(fixedClock{})))
			flush()
			golden(t, filepath.Join("testdata", name), out.Bytes())
		})
	}
}

// Events and messages fit their columns.
func TestColumns(t *testing.T) {
	for e := range entries {
		if len(e) > eventWidth || len(e.Message()) > messageWidth {
			t.Errorf("%s %q is too wide", e, e.Message())
		}
	}
}

func TestReadableSeconds(t *testing.T) {
	for seconds, want := range map[string]string{
		"0": "0s", "0.000000123": "123ns", "0.000012345": "12.35µs", "0.001234567": "1.23ms", "1.5": "1.5s", "90.1234": "1m30.12s", "x": "x",
	} {
		if got := readableSeconds(seconds); got != want {
			t.Errorf("%s: %q, want %q", seconds, got, want)
		}
	}
}

func TestStderrHonoursNoColor(t *testing.T) {
	for _, c := range []struct {
		noColor, term string
		want          bool
	}{{"", "xterm", false}, {"1", "xterm", true}, {"", "dumb", true}} {
		t.Setenv("NO_COLOR", c.noColor)
		t.Setenv("TERM", c.term)
		if o := Stderr(zapcore.InfoLevel, FormatAuto); o.NoColor != c.want || o.Writer != os.Stderr {
			t.Errorf("NO_COLOR=%q TERM=%q: %+v", c.noColor, c.term, o)
		}
	}
}
