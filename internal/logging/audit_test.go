package logging

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Audited lines are written at any level and are never sampled.
func TestAudit(t *testing.T) {
	const flood = 10 * sampleLimit
	lines := record(t, zapcore.ErrorLevel, func(l *zap.Logger) {
		audit := NewAudit(l)
		for range flood {
			audit.Log(FileVerified)
			audit.Log(LimitHit)
			Log(l, FileVerified)
		}
	})
	for _, line := range lines {
		checkMandatory(t, line)
		if line["audit"] != true {
			t.Fatalf("got %v", line)
		}
	}
	if len(lines) != 2*flood {
		t.Errorf("%d lines, want %d", len(lines), 2*flood)
	}
}

func TestAuditBesideALoggerOfAnother(t *testing.T) {
	NewAudit(zap.NewNop()).Log(FileVerified)
}

// Noise is left out when there is too much of it, and its amount is told; everything else is written.
func TestSampling(t *testing.T) {
	clock := fixedClock{}.Now()
	s := newSampler()
	count := func(e Event, lines int, now time.Time) (written int) {
		for range lines {
			if s.admit(e, now) {
				written++
			}
		}
		return written
	}
	if n := count(LimitHit, 3*sampleLimit, clock); n != sampleLimit {
		t.Errorf("%d lines of noise, want %d", n, sampleLimit)
	}
	for e, entry := range entries {
		if n := count(e, 2*sampleLimit, clock.Add(time.Hour)); !entry.noise && n != 2*sampleLimit {
			t.Errorf("%d lines of %s, want all", n, e)
		}
	}
	s = newSampler()
	count(LimitHit, sampleLimit+7, clock)
	if drops := s.due(clock); drops != nil {
		t.Errorf("told too early: %v", drops)
	}
	later := clock.Add(time.Second)
	if drops := s.due(later); len(drops) != 1 || drops[0] != (drop{LimitHit, 7}) {
		t.Errorf("told: %v", drops)
	}
	if drops := s.due(later); drops != nil {
		t.Errorf("told twice: %v", drops)
	}
	if n := count(LimitHit, 5, later); n != 5 {
		t.Errorf("%d lines in the next second, want 5", n)
	}
}

// Every line that is left out is told of, at the latest at the end.
func TestSampledLinesAreCounted(t *testing.T) {
	const flood = 5 * sampleLimit
	lines := record(t, zapcore.DebugLevel, func(l *zap.Logger) {
		for range flood {
			Log(l, LimitHit)
		}
	})
	total := 0
	for _, line := range lines {
		checkMandatory(t, line)
		switch line["event"] {
		case "limit.hit":
			total++
		case "log.sampled":
			if line["dropped_event"] != "limit.hit" {
				t.Errorf("got %v", line)
			}
			total += int(line["count"].(float64))
		}
	}
	if total != flood {
		t.Errorf("%d lines written or counted, want %d", total, flood)
	}
}

// countingWriter counts its writes.
type countingWriter struct {
	bytes.Buffer
	writes int
}

func (w *countingWriter) Write(p []byte) (int, error) {
	w.writes++
	return w.Buffer.Write(p)
}

// A flood of urgent lines costs a write every 10 ms, not one each.
func TestUrgentLinesShareWrites(t *testing.T) {
	var w countingWriter
	l, _, flush := New(Options{Writer: &w})
	l = l.WithOptions(zap.WithClock(fixedClock{}))
	const flood = 1000
	for range flood {
		Log(l, Penalty)
	}
	flush()
	if lines := strings.Count(w.String(), "\n"); lines != flood || w.writes > 3 {
		t.Errorf("%d lines in %d writes", lines, w.writes)
	}
}
