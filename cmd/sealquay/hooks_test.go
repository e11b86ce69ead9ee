package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/hooks"
	"github.com/sealquay/sealquay/internal/logging"
)

// told waits for the next event that a hook is told.
func told(t *testing.T, events <-chan hooks.Event) hooks.Event {
	t.Helper()
	select {
	case e := <-events:
		return e
	case <-time.After(patience):
		t.Fatal("the hook was told nothing")
		return hooks.Event{}
	}
}

// TestHooks tells a URL and a program of verified files and of nothing else:
// also after a failure, and after the server was stopped meanwhile.
func TestHooks(t *testing.T) {
	events := make(chan hooks.Event, 100)
	var away atomic.Bool
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e hooks.Event
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		if away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		events <- e
	}))
	defer receiver.Close()
	program, seen := filepath.Join(t.TempDir(), "hook"), t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\ncat > %s/$SEALQUAY_HOOK_DELIVERY.json\ncp \"$SEALQUAY_HOOK_PATH\" %s/$SEALQUAY_HOOK_DELIVERY.content\n", seen, seen)
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	configure := func(c *config.Config) { c.Hooks.URL, c.Hooks.Command = receiver.URL, program }

	s := startTestServerIn(t, dir, configure)
	p := dial(t, s)
	who := p.register("anna")
	key := p.exchange(who)
	p.upload(who, key, "rejected", []byte("never mind"))
	p.send(verdict(1106, who.id, "rejected"))
	p.expect(2104)
	key = p.exchange(who)
	p.deliver(who, key, "first", []byte("Hello\n"))
	first := told(t, events)
	if first.Type != "file.verified" || first.ClientName != "anna" || first.FileName != "first" || first.Size != 6 ||
		first.CRC32 != "31963516" || first.Number != 1 || first.ClientID != fmt.Sprintf("%x", who.id[:]) {
		t.Errorf("the hook is told %+v", first)
	}
	var content []byte
	eventually(t, func() bool {
		content, _ = os.ReadFile(filepath.Join(seen, first.Delivery+".content"))
		return string(content) == "Hello\n"
	}, func() string { return fmt.Sprintf("the program saw %q", content) })

	away.Store(true)
	p.deliver(who, key, "second", []byte("two"))
	eventually(t, func() bool { return len(s.log.lines(t, logging.HookFailed)) > 0 },
		func() string { return "no failure is logged" })
	if line := s.log.lines(t, logging.HookFailed)[0]; line["hook"] != "url" || !strings.Contains(fmt.Sprint(line["error"]), "503") {
		t.Errorf("the log says %v", line)
	}
	p.close()
	s.stop(t)

	away.Store(false)
	s = startTestServerIn(t, dir, configure)
	if second := told(t, events); second.FileName != "second" {
		t.Errorf("the hook is told %+v", second)
	}
	eventually(t, func() bool { return s.undelivered(t) == 0 },
		func() string { return fmt.Sprintf("%d deliveries are left", s.undelivered(t)) })
	if len(events) != 0 {
		t.Errorf("the hook is told %d more", len(events))
	}
}

// TestSlowHook: a URL that does not answer holds up no program, and what it has
// not taken waits until it does, also while it is not configured.
func TestSlowHook(t *testing.T) {
	const files = 7
	stuck, events := make(chan struct{}, files), make(chan hooks.Event, files)
	var slow atomic.Bool
	slow.Store(true)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e hooks.Event
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		if slow.Load() {
			stuck <- struct{}{}
			<-r.Context().Done()
			return
		}
		events <- e
	}))
	defer receiver.Close()
	program, seen := filepath.Join(t.TempDir(), "hook"), t.TempDir()
	if err := os.WriteFile(program, fmt.Appendf(nil, "#!/bin/sh\n: > %s/$SEALQUAY_HOOK_DELIVERY\n", seen), 0o700); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	configure := func(url, command string) func(*config.Config) {
		return func(c *config.Config) { c.Hooks.URL, c.Hooks.Command, c.Hooks.Timeout = url, command, time.Hour }
	}

	s := startTestServerIn(t, dir, configure(receiver.URL, program))
	p := dial(t, s)
	who := p.register("anna")
	key := p.exchange(who)
	for n := range files {
		p.deliver(who, key, fmt.Sprint("file ", n), []byte("text"))
	}
	eventually(t, func() bool { return s.undelivered(t) == files && len(stuck) == 4 },
		func() string { return fmt.Sprintf("%d are left, %d are under way", s.undelivered(t), len(stuck)) })
	if told, err := os.ReadDir(seen); err != nil || len(told) != files {
		t.Errorf("the program was told of %d files, %v", len(told), err)
	}
	p.close()
	s.stop(t)

	s = startTestServerIn(t, dir, configure("", program))
	p = dial(t, s)
	p.deliver(who, p.exchange(who), "last", []byte("text"))
	p.close()
	eventually(t, func() bool { return s.undelivered(t) == files },
		func() string { return fmt.Sprintf("%d are left", s.undelivered(t)) })
	s.stop(t)

	slow.Store(false)
	s = startTestServerIn(t, dir, configure(receiver.URL, ""))
	for range files {
		told(t, events)
	}
	eventually(t, func() bool { return s.undelivered(t) == 0 },
		func() string { return fmt.Sprintf("%d are left", s.undelivered(t)) })
	if failed := s.log.lines(t, logging.HookFailed); len(failed) > 0 {
		t.Errorf("the log says %v", failed)
	}
}

func (s *testServer) undelivered(t *testing.T) (n int) {
	t.Helper()
	for _, err := range s.store.Deliveries(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// TestHooksThatCannotWork are known before the server serves.
func TestHooksThatCannotWork(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []struct {
		hooks config.Hooks
		says  string
	}{
		{config.Hooks{Command: "/no/such/program"}, "hooks.command"},
		{config.Hooks{Command: empty}, "hooks.command"},
		{config.Hooks{URL: "http://localhost/", SecretFile: "/no/such/file"}, "hooks.secret_file"},
		{config.Hooks{URL: "http://localhost/", SecretFile: empty}, "empty"},
	} {
		if _, err := hookTargets(&config.Config{Hooks: bad.hooks, DataDir: "data"}); err == nil || !strings.Contains(err.Error(), bad.says) {
			t.Errorf("%+v: %v", bad.hooks, err)
		}
	}
}
