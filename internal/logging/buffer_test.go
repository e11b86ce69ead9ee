package logging

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap"
)

// tap is a writer whose content may be read at any time, and which tells of each write.
type tap struct {
	mu      sync.Mutex
	content bytes.Buffer
	written chan struct{}
	fault   func([]byte) (int, error) // takes the place of the next writes
}

func newTap() *tap { return &tap{written: make(chan struct{}, 1)} }

func (w *tap) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.written <- struct{}{}:
	default:
	}
	if w.fault != nil {
		n, err := w.fault(p)
		w.content.Write(p[:n])
		return n, err
	}
	return w.content.Write(p)
}

func (w *tap) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.content.String()
}

func (w *tap) setFault(fault func([]byte) (int, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = fault
}

// A line waits in the buffer, and is written after a while without anybody's help.
func TestLinesAreFlushedInTime(t *testing.T) {
	w := newTap()
	l, _, flush := New(Options{Writer: w})
	defer flush()
	Log(l, ConnClose, ConnID(1))
	<-w.written
	if !strings.Contains(w.String(), `"conn_id":1`) {
		t.Errorf("got %q", w)
	}
}

func TestUrgentLinesDoNotWait(t *testing.T) {
	w := newTap()
	l, _, flush := New(Options{Writer: w})
	defer flush()
	Log(l, ConnClose)
	Log(l, LimitHit)
	if n := strings.Count(w.String(), "\n"); n != 2 {
		t.Errorf("%d lines written, want 2, in order", n)
	}
}

func TestLinesAfterTheEndAreWrittenAtOnce(t *testing.T) {
	w := newTap()
	l, _, flush := New(Options{Writer: w})
	Log(l, ConnClose)
	flush()
	Log(l.With(ConnID(1)).With(RequestID(1)), ServerStop)
	if n := strings.Count(w.String(), "\n"); n != 2 {
		t.Errorf("%d lines, want 2:\n%s", n, w)
	}
	flush()
}

// logNow writes a line that shares its write with no other.
func logNow(l *zap.Logger, e Event, fields ...zap.Field) {
	Log(l, e, fields...)
	_ = l.Sync() // the sink keeps its errors
}

// A writer that fails for a while loses lines, which are counted and told of, and nothing else.
func TestLostLinesAreCounted(t *testing.T) {
	w := newTap()
	l, _, flush := New(Options{Writer: w})
	defer flush()
	errFull := errors.New("no space left on device")

	w.setFault(func([]byte) (int, error) { return 0, errFull })
	for range 3 {
		logNow(l, LimitHit)
	}
	w.setFault(func(p []byte) (int, error) { return 10, errFull })
	logNow(l, LimitHit)
	w.setFault(func([]byte) (int, error) { return 0, errFull })
	logNow(l, LimitHit)
	w.setFault(nil)
	logNow(l, LimitHit, Value(6))
	logNow(l, LimitHit, Value(7))
	logNow(l, LimitHit, Value(8))

	lines := strings.SplitAfter(w.String(), "\n")
	if len(lines) != 6 || len(lines[0]) != 11 || !strings.Contains(lines[1], `"value":6`) || !strings.Contains(lines[3], `"value":7`) {
		t.Fatalf("got %q", lines)
	}
	if !strings.Contains(lines[2], `"event":"log.lost"`) || !strings.Contains(lines[2], `"count":5}`) {
		t.Errorf("got %q", lines[2])
	}
}

// Of several lines, those that were not written whole are lost.
func TestPartOfTheLinesIsLost(t *testing.T) {
	w := newTap()
	s := sink{writer: w}
	for written, want := range map[int]int64{0: 3, 1: 3, 2: 2, 3: 2, 4: 1, 5: 1} {
		w.setFault(func([]byte) (int, error) { return written, errors.New("no space left on device") })
		s.midLine = false
		s.lost.Store(0)
		if n, err := s.Write([]byte("a\nb\nc\n")); n != 6 || err != nil || s.lost.Load() != want {
			t.Errorf("%d bytes written: %d lines lost, want %d; %d, %v", written, s.lost.Load(), want, n, err)
		}
		if s.midLine != (written%2 == 1) {
			t.Errorf("%d bytes written: within a line: %v", written, s.midLine)
		}
	}
}

// While the writer works now and then, the count stays exact: the line that tells it may be lost itself.
func TestLostLinesAreCountedWhenTheirCountIsLost(t *testing.T) {
	w := newTap()
	l, _, flush := New(Options{Writer: w})
	defer flush()
	fail := func([]byte) (int, error) { return 0, errors.New("broken pipe") }
	for _, fault := range []func([]byte) (int, error){fail, nil, fail, nil, nil} {
		w.setFault(fault)
		logNow(l, LimitHit)
	}
	if lines := strings.Split(w.String(), "\n"); len(lines) != 5 || !strings.Contains(lines[2], `"count":3}`) {
		t.Errorf("got %q", lines)
	}
}

// Lines of many goroutines stay whole.
func TestConcurrentLines(t *testing.T) {
	const writers, each = 8, 500
	lines := record(t, 0, func(l *zap.Logger) {
		var group sync.WaitGroup
		for i := range writers {
			group.Go(func() {
				bound := l.With(ConnID(uint64(i)))
				for n := range each {
					Log(bound, RequestDone, RequestID(uint64(n)), FileName(strings.Repeat(fmt.Sprint(i), 200)))
				}
			})
		}
		group.Wait()
	})
	next := map[any]float64{}
	for _, line := range lines {
		if id := line["conn_id"]; line["request_id"] != next[id] {
			t.Fatalf("connection %v: request %v, want %v", id, line["request_id"], next[id])
		}
		next[line["conn_id"]]++
	}
	if len(lines) != writers*each {
		t.Errorf("%d lines, want %d", len(lines), writers*each)
	}
}
