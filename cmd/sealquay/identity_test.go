package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
)

// withKey is the same client with a key of its own.
func (who *identity) withKey() *identity {
	other := *who
	other.key = newKey()
	return &other
}

func (who *identity) fingerprint() string {
	sum := sha256.Sum256(who.publicKey())
	return hex.EncodeToString(sum[:])
}

// refused sends a key that is refused.
func (p *peer) refused(who *identity) {
	p.t.Helper()
	p.send(publicKey(who))
	p.expect(2101)
}

// command runs a command on the storage of a server that runs.
func (s *testServer) command(t testing.TB, status int, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if got := run(append(args, "--data-dir", s.dir), console{nil, &out, &errs}); got != status {
		t.Fatalf("%s: status %d, want %d: %s", args, got, status, &errs)
	}
	return out.String() + errs.String()
}

func TestRotatedKeyIsAudited(t *testing.T) {
	s := startTestServer(t, func(c *config.Config) { c.KeyChangesPerHour = 1 })
	p := dial(t, s)
	who := p.register("alice")
	p.exchange(who)
	second := who.withKey()
	p.exchange(second)
	p.refused(who)
	p.exchange(second)
	changes := s.log.lines(t, logging.ClientKeyChanged)
	if len(changes) != 1 || changes[0]["audit"] != true || changes[0]["old_fingerprint"] != who.fingerprint() || changes[0]["fingerprint"] != second.fingerprint() {
		t.Errorf("changes of the key in the log: %v", changes)
	}
	if got := s.log.reasons(t); !slices.Equal(got, []string{"too_many_key_changes"}) {
		t.Errorf("reasons %q", got)
	}
}

func TestPinnedKeyStays(t *testing.T) {
	s := startTestServer(t, func(c *config.Config) { c.KeyPolicy = config.KeyPin })
	p := dial(t, s)
	who := p.register("alice")
	p.exchange(who)
	p.refused(who.withKey())
	p.exchange(who)
	if got := s.log.reasons(t); !slices.Equal(got, []string{"key_pinned"}) {
		t.Errorf("reasons %q", got)
	}
}

// TestKeyIsApprovedWhileTheServerRuns: every key waits, the first too.
func TestKeyIsApprovedWhileTheServerRuns(t *testing.T) {
	s := startTestServer(t, func(c *config.Config) { c.KeyPolicy = config.KeyApprove })
	p := dial(t, s)
	who := p.register("alice")
	if out := s.command(t, 1, "clients", "approve", "alice"); !strings.Contains(out, "no key of client alice waits") {
		t.Errorf("nothing to approve: %s", out)
	}
	p.refused(who)
	p.refused(who)
	if out := s.command(t, 0, "clients", "pending"); !strings.Contains(out, who.fingerprint()) || !strings.Contains(out, "waits") {
		t.Errorf("pending: %s", out)
	}
	s.command(t, 0, "clients", "approve", "alice")
	p.deliver(who, p.exchange(who), "a", []byte("content"))

	second, third := who.withKey(), who.withKey()
	p.refused(second)
	p.refused(third)
	p.exchange(who)
	if out := s.command(t, 1, "clients", "approve", "alice"); !strings.Contains(out, "2 keys") {
		t.Errorf("two keys wait: %s", out)
	}
	if out := s.command(t, 1, "clients", "approve", "alice", "--fingerprint", "xyz"); !strings.Contains(out, `"xyz"`) {
		t.Errorf("a fingerprint of nothing: %s", out)
	}
	s.command(t, 0, "clients", "reject", "alice", "--fingerprint", third.fingerprint())
	s.command(t, 0, "clients", "approve", hex.EncodeToString(who.id[:]), "--fingerprint", second.fingerprint()[:10])
	if out := s.command(t, 0, "clients", "pending", "--json"); !strings.Contains(out, `"approved":true`) || strings.Contains(out, third.fingerprint()) {
		t.Errorf("pending: %s", out)
	}
	p.deliver(second, p.exchange(second), "a", []byte("content of the second key"))
	p.refused(third)
	p.refused(who)

	if waits := s.log.lines(t, logging.ClientKeyWaits); len(waits) != 5 || waits[0]["fingerprint"] != who.fingerprint() || waits[0]["audit"] != true {
		t.Errorf("%d keys wait in the log, want 5: %v", len(waits), waits)
	}
	for _, reason := range s.log.reasons(t) {
		if reason != "key_not_approved" {
			t.Errorf("reason %q", reason)
		}
	}
	if out := s.command(t, 0, "check", "--deep"); !strings.Contains(out, "0 problems") {
		t.Errorf("check: %s", out)
	}
}

func TestSharedKeyRaisesAnAlarm(t *testing.T) {
	s := startTestServer(t)
	p, q := dial(t, s), dial(t, s)
	p.exchange(p.register("alice"))
	if alarms := s.log.lines(t, logging.ClientKeyShared); len(alarms) > 0 {
		t.Errorf("alarms: %v", alarms)
	}
	berta := q.register("berta") // with the same key
	q.exchange(berta)
	alarms := s.log.lines(t, logging.ClientKeyShared)
	if len(alarms) != 1 || alarms[0]["client_id"] != hex.EncodeToString(berta.id[:]) || alarms[0]["audit"] != true {
		t.Errorf("alarms: %v", alarms)
	}
}

func TestClosedRegistration(t *testing.T) {
	dir := t.TempDir()
	s := startTestServerIn(t, dir)
	who := deliverNew(t, s, "alice", "a", []byte("content"))
	s.stop(t)
	s = startTestServerIn(t, dir, func(c *config.Config) { c.Registration = config.RegistrationClosed })
	p := dial(t, s)
	p.send(registration("berta"))
	p.expect(2101)
	p.send(registration("alice")) // as the seed's client does at each run
	p.expect(2101)
	p.deliver(who, p.exchange(who), "b", []byte("more"))
	if got := s.log.reasons(t); !slices.Equal(got, []string{"registration_closed", "registration_closed"}) {
		t.Errorf("reasons %q", got)
	}
}

func TestAllowlistIsReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "names")
	write := func(names string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(names), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# who may\r\n\r\nalice\r\n")
	var cfg *config.Config
	s := startTestServer(t, func(c *config.Config) {
		c.Registration, c.RegistrationFile, cfg = config.RegistrationAllowlist, file, c
	})
	p := dial(t, s)
	p.register("alice")
	for _, name := range []string{"berta", "# who may", "alic"} {
		p.send(registration(name))
		p.expect(2101)
	}
	write("alice\nberta")
	if err := s.allowed.reload(cfg); err != nil {
		t.Fatal(err)
	}
	p.register("berta")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := s.allowed.reload(cfg); err == nil || s.allowed.mayRegister("berta") != "" {
		t.Errorf("a list that is gone: %v; want an error, and the names as before", err)
	}
	for _, reason := range s.log.reasons(t) {
		if reason != "name_not_allowed" {
			t.Errorf("reason %q", reason)
		}
	}
}
