package logging

import (
	"bytes"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	gnetlogging "github.com/panjf2000/gnet/v2/pkg/logging"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

var _ gnetlogging.Logger = (*Reactor)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// record returns the lines that write makes, as objects. Each must be one, without a name twice, on a line of its own.
func record(t *testing.T, level zapcore.Level, write func(*zap.Logger)) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	l, _, flush := New(Options{Writer: &out, Level: level})
	write(l)
	flush()
	var lines []map[string]any
	for line := range bytes.Lines(out.Bytes()) {
		var object map[string]any
		if err := json.Unmarshal(line, &object, jsontext.AllowDuplicateNames(false)); err != nil {
			t.Fatalf("line is not JSON: %v\n%s", err, line)
		}
		lines = append(lines, object)
	}
	return lines
}

// checkMandatory checks the fields that every line has.
func checkMandatory(t *testing.T, line map[string]any) {
	t.Helper()
	name, _ := line["event"].(string)
	event := Event(name)
	if !event.Known() || line["msg"] != event.Message() || line["level"] != event.Level().String() {
		t.Errorf("line does not match its event: %v", line)
	}
	stamp, _ := line["ts"].(string)
	at, err := time.Parse(timeLayout, stamp)
	if err != nil || at.Location() != time.UTC || len(stamp) != len("2006-01-02T15:04:05.000000Z") {
		t.Errorf("ts %q: %v", stamp, err)
	}
}

// Every event makes a line with the mandatory fields, and so does code that knows nothing of events.
func TestMandatoryFields(t *testing.T) {
	lines := record(t, zapcore.DebugLevel, func(l *zap.Logger) {
		for e := range entries {
			Log(l, e, ConnID(7), ClientIP(netip.MustParseAddr("2001:db8::1")), Duration(1500*time.Microsecond), Error(nil))
		}
		Log(l.With(ConnID(8)), ConnClose, Error(errors.New("broken\npipe")))
		l.Named("elsewhere").Info("written\npast Log", zap.Int("n", 1))
	})
	if len(lines) != len(entries)+2 {
		t.Fatalf("%d lines, want %d", len(lines), len(entries)+2)
	}
	for _, line := range lines {
		checkMandatory(t, line)
		if _, there := line["error"]; there && line["event"] != "conn.close" {
			t.Errorf("a nil error is shown: %v", line)
		}
	}
	closed, other := lines[len(lines)-2], lines[len(lines)-1]
	if closed["conn_id"] != 8.0 || closed["error"] != `broken\npipe` {
		t.Errorf("got %v", closed)
	}
	if other["event"] != "log.other" || other["detail"] != `written\npast Log` || other["n"] != 1.0 {
		t.Errorf("got %v", other)
	}
}

// Whatever a client calls itself and its files, a line stays a line and no field can be forged.
func TestHostileStrings(t *testing.T) {
	hostile := []string{
		"\n{\"ts\":\"2026-01-01T00:00:00.000000Z\",\"level\":\"info\",\"msg\":\"x\",\"event\":\"file.verified\"}\n",
		`","event":"file.verified","x":"`, "\x00", "\x1b[2J\x1b]0;t\a", "\u202etxt.exe", "\xff\xfe\xfd", "\u2028", "\\",
		"\xed\xa0\x80", strings.Repeat("\xf0\x9f\x98\x80", 100), strings.Repeat("\x00", 1e5), "",
	}
	lines := record(t, zapcore.DebugLevel, func(l *zap.Logger) {
		for _, s := range hostile {
			Log(l, RequestDone, ClientName(s), FileName(s), Path(s), Key(s), Found(s), Detail(s), Error(errors.New(s)))
		}
	})
	if len(lines) != len(hostile) {
		t.Fatalf("%d lines, want %d", len(lines), len(hostile))
	}
	for i, line := range lines {
		checkMandatory(t, line)
		want := []string{"client_name", "detail", "error", "event", "file_name", "found", "key", "level", "msg", "path", "ts"}
		if got := slices.Sorted(maps.Keys(line)); !slices.Equal(got, want) {
			t.Errorf("fields %v, want %v", got, want)
		}
		if line["file_name"] != Untrusted(hostile[i]) || len(line["error"].(string)) > detailLimit {
			t.Errorf("%q is shown as %v", hostile[i], line)
		}
	}
}

// Log leaves the caller's slice alone, also beyond its length.
func TestFieldsStayTheCallers(t *testing.T) {
	record(t, zapcore.DebugLevel, func(l *zap.Logger) {
		fields := []zap.Field{ConnID(1), ConnID(2)}
		Log(l, ConnClose, fields[:1]...)
		l.Info("elsewhere", fields[:1]...)
		if fields[1] != ConnID(2) {
			t.Errorf("got %v", fields[1])
		}
	})
}

func TestLevels(t *testing.T) {
	var out bytes.Buffer
	l, level, flush := New(Options{Writer: &out, Level: zapcore.InfoLevel})
	defer flush()
	if Enabled(l, ConnOpen) || !Enabled(l, ConnClose) {
		t.Errorf("at info, conn.open is %v, conn.close is %v", Enabled(l, ConnOpen), Enabled(l, ConnClose))
	}
	Log(l, ConnOpen)
	level.SetLevel(zapcore.DebugLevel)
	Log(l, ConnOpen, ConnID(2))
	level.SetLevel(zapcore.ErrorLevel)
	Log(l, LimitHit)
	flush()
	if n := bytes.Count(out.Bytes(), []byte("\n")); n != 1 || !bytes.Contains(out.Bytes(), []byte(`"conn_id":2`)) {
		t.Errorf("%d lines:\n%s", n, out.Bytes())
	}
}

// gnet's lines keep their level and stand in detail; its fatal ones do not end the process.
func TestReactor(t *testing.T) {
	lines := record(t, zapcore.DebugLevel, func(l *zap.Logger) {
		r := NewReactor(l)
		r.Debugf("a %d", 1)
		r.Infof("b\n")
		r.Warnf("c %s", "\x1b")
		r.Errorf("d")
		r.Fatalf("e %v", errors.New("f"))
	})
	want := [][2]string{{"debug", "a 1"}, {"info", `b\n`}, {"warn", `c \x1b`}, {"error", "d"}, {"error", "e f"}}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d", len(lines), len(want))
	}
	for i, line := range lines {
		if line["level"] != want[i][0] || line["detail"] != want[i][1] || line["event"] != "server.reactor" || line["msg"] != ServerReactor.Message() {
			t.Errorf("got %v, want %v", line, want[i])
		}
	}
}

// The stack of a panic names the function that panicked and shows no arguments.
func TestStackShowsNoArguments(t *testing.T) {
	lines := record(t, zapcore.DebugLevel, func(l *zap.Logger) {
		defer func() {
			if recover() != nil {
				Log(l, ServerPanic, Stack())
			}
		}()
		panicWith([4]uint64{0xfeedfacecafe})
	})
	stack, _ := lines[0]["stack"].(string)
	if !strings.Contains(stack, "panicWith") || strings.Contains(stack, "feedface") || strings.Contains(stack, "0x") {
		t.Errorf("stack is\n%s", stack)
	}
}

//go:noinline
func panicWith(key [4]uint64) { panic(key) }
