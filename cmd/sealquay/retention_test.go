package main

import (
	"fmt"
	"testing"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
)

// TestRetention removes at a sweep what is not to be kept, and says so to the
// auditor.
func TestRetention(t *testing.T) {
	dir := t.TempDir()
	s := startTestServerIn(t, dir)
	p := dial(t, s)
	who := p.register("anna")
	key := p.exchange(who)
	for n := range 4 {
		p.deliver(who, key, fmt.Sprint("file ", n), []byte("text"))
	}
	p.close()
	s.stop(t)

	s = startTestServerIn(t, dir, func(c *config.Config) { c.Retention.MaxFiles = 3 })
	eventually(t, func() bool { return len(s.log.lines(t, logging.FileExpired)) == 1 },
		func() string { return fmt.Sprint(s.log.all(t)) })
	line := s.log.lines(t, logging.FileExpired)[0]
	if line["file_name"] != "file 0" || line["reason"] != "retention_count" || line["audit"] != true || line["client_id"] != fmt.Sprintf("%x", who.id[:]) {
		t.Errorf("the log says %v", line)
	}
	s.checkStored(t, "anna", "file 3", []byte("text"))
	s.checkClean(t)
}
