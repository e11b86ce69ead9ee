package persistence

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sealquay/sealquay/internal/proof/postgres"
)

// TestPostgresHasToKeepWhatItCommits: a server that would lose commits in a
// power cut is refused where they are promised, and one that may be damaged is
// told of.
func TestPostgresHasToKeepWhatItCommits(t *testing.T) {
	c := newCluster(t)
	directory, err := os.MkdirTemp("/dev/shm", "sealquay-postgres-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(directory) })
	server, err := postgres.Start(t.Context(), directory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	for _, test := range []struct {
		setting, value string // of the server
		with           string // of the connection
		refused        string
		warned         string
	}{
		{setting: "fsync", value: "off", refused: "fsync is off"},
		{setting: "synchronous_commit", value: "off"}, // the connection asks for on
		{setting: "synchronous_commit", value: "on", with: "&synchronous_commit=off", refused: "synchronous_commit is off"},
		{setting: "full_page_writes", value: "off", warned: "full_page_writes"},
	} {
		t.Run(test.setting+test.value+test.with, func(t *testing.T) {
			set(t, server, test.setting, test.value)
			defer set(t, server, test.setting, "on")
			var warned []string
			options := c.options(postgres.DSN(server.Addr(), "postgres") + test.with)
			options.Warn = func(err error) { warned = append(warned, err.Error()) }
			s, err := Open(t.Context(), options)
			if err == nil {
				err = s.Close()
			}
			if test.refused == "" && err != nil || test.refused != "" && (!errors.Is(err, ErrNotDurable) || !strings.Contains(err.Error(), test.refused)) {
				t.Errorf("open: %v, want an error with %q", err, test.refused)
			}
			if all := strings.Join(warned, " "); (test.warned == "") != (all == "") || !strings.Contains(all, test.warned) {
				t.Errorf("warned of %q, want %q", all, test.warned)
			}
			options.Durability = Relaxed
			if s, err = Open(t.Context(), options); err == nil {
				err = s.Close()
			}
			if err != nil {
				t.Errorf("open relaxed: %v", err)
			}
		})
	}
}

// set changes a setting of a server that runs, and waits until it is in effect.
func set(t *testing.T, server *postgres.Server, name, value string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	for _, statement := range []string{"ALTER SYSTEM SET " + name + " = " + value, "SELECT pg_reload_conf()"} {
		if _, err := server.Ask(ctx, "postgres", statement); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if now, err := server.Ask(ctx, "postgres", "SHOW "+name); err != nil || now == value {
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s = %s is not in effect", name, value)
		}
	}
}
