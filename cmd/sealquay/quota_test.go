package main

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

// TestQuotaOnTheWire: a quota can be used to its last byte and not beyond; an
// upload that does not fit is refused at its head, and the log says why.
func TestQuotaOnTheWire(t *testing.T) {
	s := startTestServer(t, func(c *config.Config) {
		c.Quota = config.Quota{ClientBytes: 1000, ClientFiles: 3, TotalFiles: 4}
	})
	p := dial(t, s)
	who := p.register("alice")
	key := p.exchange(who)
	p.deliver(who, key, "all of it", make([]byte, 1000))
	p.deliver(who, key, "all of it", bytes.Repeat([]byte{1}, 1000)) // in its place
	p.send(encryptedFile(who.id, "more", seal(key, make([]byte, 17))))
	p.expect(2101)
	p.deliver(who, key, "all of it", make([]byte, 992))
	p.send(encryptedFile(who.id, "nine", seal(key, make([]byte, 9)))) // 16 bytes encrypted: it may be empty
	p.expect(2101)
	p.deliver(who, key, "eight", make([]byte, 8))
	p.deliver(who, key, "empty", nil)
	p.send(encryptedFile(who.id, "a fourth", seal(key, nil)))
	p.expect(2101)
	deliverNew(t, s, "berta", "a", make([]byte, 1000))
	q := dial(t, s)
	clara := q.register("clara")
	q.send(encryptedFile(clara.id, "a fifth of all", seal(q.exchange(clara), nil)))
	q.expect(2101)

	if got, want := s.log.reasons(t), []string{"quota_bytes", "quota_bytes", "quota_files", "quota_total_files"}; !slices.Equal(got, want) {
		t.Errorf("reasons %q, want %q", got, want)
	}
	var limits []string
	for _, line := range s.log.lines(t, logging.QuotaWarning) {
		if line["audit"] != true || line["client_id"] == "" {
			t.Errorf("a warning is not audited or without its client: %v", line)
		}
		limits = append(limits, line["limit"].(string))
	}
	want := []string{"quota.client_bytes", "quota.client_files", "quota.total_files", "quota.client_bytes"}
	if !slices.Equal(limits, want) {
		t.Errorf("warnings for %q, want %q", limits, want)
	}
	if faults := s.log.lines(t, logging.StorageFault); len(faults) > 0 {
		t.Errorf("a quota is logged as a fault of the storage: %v", faults)
	}
}

// TestQuotaHoldsForRacingConnections: of uploads that all fit alone, no more are
// let in than fit together, and each of those is acknowledged.
func TestQuotaHoldsForRacingConnections(t *testing.T) {
	s := startTestServer(t, func(c *config.Config) { c.Quota.ClientBytes = 10_000 })
	p := dial(t, s)
	who := p.register("alice")
	p.exchange(who)
	var racing sync.WaitGroup
	var mu sync.Mutex
	acknowledged := 0
	for n := range 16 {
		q := dial(t, s)
		key := q.exchange(who)
		racing.Go(func() {
			q.send(encryptedFile(who.id, string(rune('a'+n)), seal(key, make([]byte, 3000))))
			if q.receive().code == 2101 {
				return
			}
			q.send(verdict(1104, who.id, string(rune('a'+n))))
			if q.receive().code == 2104 {
				mu.Lock()
				acknowledged++
				mu.Unlock()
			}
		})
	}
	racing.Wait()
	if acknowledged != 3 {
		t.Errorf("%d uploads of 3000 bytes were acknowledged, want 3", acknowledged)
	}
	report, err := s.store.Check(t.Context(), persistence.CheckOptions{})
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("check: %+v, %v", report.Findings, err)
	}
}

// TestFullDiskIsNotReached: an upload that would leave too little of the disk
// free is refused at its head.
func TestFullDiskIsNotReached(t *testing.T) {
	s := startTestServer(t, func(c *config.Config) { c.Quota.FreeSpace = 1 << 60 })
	p := dial(t, s)
	who := p.register("alice")
	p.send(encryptedFile(who.id, "a", seal(p.exchange(who), make([]byte, 100))))
	p.expect(2101)
	if got := s.log.reasons(t); !slices.Equal(got, []string{"storage_full"}) {
		t.Errorf("reasons %q", got)
	}
	if hits := s.log.lines(t, logging.LimitHit); len(hits) != 1 || hits[0]["limit"] != "quota.free_space" {
		t.Errorf("limits hit: %v", hits)
	}
}

// TestClientsListShowsQuotas also while the server runs.
func TestClientsListShowsQuotas(t *testing.T) {
	s := startTestServer(t, func(c *config.Config) {
		c.Quota = config.Quota{ClientBytes: 1000, ClientFiles: 4, TotalBytes: 5000}
	})
	deliverNew(t, s, "alice", "a", make([]byte, 250))
	t.Setenv("SEALQUAY_QUOTA_CLIENT_BYTES", "1000")
	t.Setenv("SEALQUAY_QUOTA_CLIENT_FILES", "4")
	t.Setenv("SEALQUAY_QUOTA_TOTAL_BYTES", "5000")
	for _, test := range []struct {
		flags []string
		want  []string
	}{
		{nil, []string{"1 of 4 (25 %)", "250 of 1000 (25 %)", "All clients: 250 of 5000 (5 %) bytes"}},
		{[]string{"--json"}, []string{`"quota":{"files":1,"files_limit":4,"bytes":250,"bytes_limit":1000}`}},
	} {
		var out, errs bytes.Buffer
		args := append([]string{"clients", "list", "--data-dir", s.dir}, test.flags...)
		if status := run(args, console{nil, &out, &errs}); status != 0 {
			t.Fatalf("status %d: %s", status, &errs)
		}
		for _, want := range test.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q is missing:\n%s", want, &out)
			}
		}
	}
}

// TestQuarantineKeepsCounters: a check that may change the storage leaves the counters of the quotas as they are.
func TestQuarantineKeepsCounters(t *testing.T) {
	s := startTestServer(t, func(c *config.Config) { c.Quota.TotalBytes = 5000 })
	deliverNew(t, s, "alice", "a", make([]byte, 250))
	s.stop(t)
	t.Setenv("SEALQUAY_QUOTA_TOTAL_BYTES", "5000")
	s.command(t, 0, "check", "--quarantine")
	if out := s.command(t, 0, "clients", "list"); !strings.Contains(out, "All clients: 250 of 5000 (5 %) bytes") {
		t.Errorf("the counters are gone:\n%s", out)
	}
}
