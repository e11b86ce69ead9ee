package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
)

// A testServer is the whole server on a free port of the loopback interface,
// with its storage in a directory of the test's.
type testServer struct {
	*server
	addr netip.AddrPort
	dir  string
	log  *logBuffer
}

// startTestServer starts a server with the default configuration, as change
// alters it. It is stopped when the test ends.
func startTestServer(t testing.TB, change ...func(*config.Config)) *testServer {
	t.Helper()
	return startTestServerIn(t, t.TempDir(), change...)
}

// startTestServerIn does the same with a storage that may exist already.
func startTestServerIn(t testing.TB, dir string, change ...func(*config.Config)) *testServer {
	t.Helper()
	cfg, _, err := config.Load(config.Options{Flags: []config.Flag{
		{Name: "--data-dir", Key: "data_dir", Value: dir},
		{Name: "--ip", Key: "server_ip_address", Value: "127.0.0.1"},
		{Name: "--port", Key: "port", Value: "0"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(cfg)
	}
	lines := new(logBuffer)
	log, _, flush := logging.New(logging.Options{Writer: lines, Level: zapcore.DebugLevel, Format: logging.FormatJSON})
	s, err := startServer(t.Context(), cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	lines.flush = func() { _ = log.Sync() }
	test := &testServer{server: s, addr: s.Addr(), dir: dir, log: lines}
	t.Cleanup(func() {
		test.stop(t)
		flush()
	})
	return test
}

// stop drains the server. It may be called before the test ends.
func (s *testServer) stop(t testing.TB) {
	if s.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stop the server: %v", err)
	}
	s.server = nil
}

// A logBuffer keeps what the server logs.
type logBuffer struct {
	flush func()
	mu    sync.Mutex
	text  bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// A logLine is one line of the log.
type logLine map[string]any

// lines returns the lines of an event so far, in order.
func (b *logBuffer) lines(t testing.TB, e logging.Event) (found []logLine) {
	t.Helper()
	for _, line := range b.all(t) {
		if line["event"] == string(e) {
			found = append(found, line)
		}
	}
	return found
}

// all returns all lines so far, in order.
func (b *logBuffer) all(t testing.TB) (found []logLine) {
	t.Helper()
	b.flush()
	b.mu.Lock()
	defer b.mu.Unlock()
	for text := range strings.Lines(b.text.String()) {
		var line logLine
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("a log line is no JSON object: %v\n%s", err, text)
		}
		found = append(found, line)
	}
	return found
}

// reasons returns the reasons of all requests that were refused so far.
func (b *logBuffer) reasons(t testing.TB) (all []string) {
	t.Helper()
	for _, line := range b.lines(t, logging.RequestDone) {
		if reason, refused := line["reason"].(string); refused {
			all = append(all, reason)
		}
	}
	return all
}
