package logging

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	gnetlogging "github.com/panjf2000/gnet/v2/pkg/logging"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/go-json-experiment/json"
)

var _ gnetlogging.Logger = (*Reactor)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// record returns the lines that write makes, as objects.
func record(t *testing.T, level zapcore.Level, write func(*zap.Logger)) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	l, _, flush := New(Options{Writer: &out, Level: level})
	write(l)
	flush()
	var lines []map[string]any
	for line := range bytes.Lines(out.Bytes()) {
		var object map[string]any
		if err := json.Unmarshal(line, &object); err != nil {
			t.Fatalf("line is not JSON: %v\n%s", err, line)
		}
		lines = append(lines, object)
	}
	return lines
}

// Every event makes a line with the mandatory fields, whatever else is in it.
func TestMandatoryFields(t *testing.T) {
	lines := record(t, zapcore.DebugLevel, func(l *zap.Logger) {
		for e := range entries {
			Log(l, e, ConnID(7), ClientIP(netip.MustParseAddr("2001:db8::1")), Duration(1500*time.Microsecond), Error(nil))
		}
		Log(l.With(ConnID(8)), ConnClose, Error(errors.New("broken\npipe")))
		l.Info("written past Log")
	})
	if len(lines) != len(entries)+2 {
		t.Fatalf("%d lines, want %d", len(lines), len(entries)+2)
	}
	for _, line := range lines {
		event := Event(line["event"].(string))
		if !event.Known() || line["msg"] != event.Message() || line["level"] != event.Level().String() {
			t.Errorf("line does not match its event: %v", line)
		}
		stamp := line["ts"].(string)
		if at, err := time.Parse(timeLayout, stamp); err != nil || at.Location() != time.UTC || len(stamp) != len("2006-01-02T15:04:05.000000Z") {
			t.Errorf("ts %q: %v", stamp, err)
		}
	}
}
