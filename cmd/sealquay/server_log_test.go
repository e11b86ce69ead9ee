package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
)

func readLog(t *testing.T, path string) (events []string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(content) {
		var fields logLine
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatal(err)
		}
		events = append(events, fields["event"].(string))
	}
	return events
}

// TestHangup moves the log away as logrotate does: after SIGHUP the log goes on
// in a new file, at the level that is configured now.
func TestHangup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.log")
	var standardError bytes.Buffer
	cfg := config.Log{Level: config.LevelInfo, File: path, Compress: config.CompressNone}
	s, err := openServerLog(cfg, console{err: &standardError})
	if err != nil {
		t.Fatal(err)
	}
	loaded := make(chan bool)
	stop := s.reloadOnHangup(func() (*config.Config, error) {
		defer close(loaded)
		return &config.Config{Log: config.Log{Level: config.LevelDebug}}, nil
	}, &manager{log: s.log})
	logging.Log(s.log, logging.ConnOpen)
	logging.Log(s.log, logging.StorageRelaxed)
	logging.Log(s.log, logging.ConnClose) // waits in the buffer
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-loaded
	stop()
	logging.Log(s.log, logging.ConnOpen)
	logging.Log(s.log, logging.StorageFault)
	s.close()
	if got := strings.Join(readLog(t, path+".1"), " "); got != "storage.relaxed conn.close" {
		t.Errorf("the old file has %s", got)
	}
	if got := strings.Join(readLog(t, path), " "); got != "log.reopened conn.open storage.fault" {
		t.Errorf("the new file has %s", got)
	}
	if got := standardError.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "storage.fault") {
		t.Errorf("standard error has %q, want the error only", got)
	}
}

// TestHangupWithAWrongConfiguration keeps the level and says what is wrong.
func TestHangupWithAWrongConfiguration(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("config.json", []byte(`{"log": {"level": "loud"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var standardError bytes.Buffer
	s, err := openServerLog(config.Log{Level: config.LevelWarn}, console{err: &standardError})
	if err != nil {
		t.Fatal(err)
	}
	s.reload(func() (*config.Config, error) {
		changed, _, err := serveCommand{}.load()
		return changed, err
	})
	s.close()
	got := standardError.String()
	if !strings.Contains(got, "config.warning") || !strings.Contains(got, "loud") || !strings.Contains(got, `"minimum_level":"warn"`) {
		t.Errorf("got %s", got)
	}
}

func TestLogFileThatCannotBeWritten(t *testing.T) {
	_, err := openServerLog(config.Log{Level: config.LevelWarn, File: t.TempDir()}, console{err: os.Stderr})
	if err == nil || !strings.Contains(err.Error(), "choose another log.file") {
		t.Errorf("got %v", err)
	}
}
