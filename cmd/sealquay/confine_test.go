package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sealquay/sealquay/internal/config"
)

func TestPlacesOfALinkedFile(t *testing.T) {
	folder, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	live, archive := filepath.Join(folder, "live"), filepath.Join(folder, "archive")
	for _, path := range []string{live, archive} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(archive, "cert1.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../archive/cert1.pem", filepath.Join(live, "cert.pem")); err != nil {
		t.Fatal(err)
	}
	if got, want := placesOf(filepath.Join(live, "cert.pem")), []string{live, archive}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := placesOf("/cert.pem"); !slices.Equal(got, []string{"/cert.pem"}) {
		t.Errorf("in the root: %v", got)
	}
}

func TestNeedsToConnectOnlyWhereItIsConfigured(t *testing.T) {
	cfg := &config.Config{DataDir: "data"}
	if n := (serveCommand{}).needs(cfg); n.Connect || n.Execute || len(n.Bind) != 0 {
		t.Errorf("a plain server needs %+v", n)
	}
	cfg.Hooks.URL = "https://example.org/"
	if n := (serveCommand{}).needs(cfg); !n.Connect {
		t.Error("a server with a URL to tell cannot connect")
	}
	cfg.Hooks.Command = "/bin/true"
	if n := (serveCommand{}).needs(cfg); !n.Execute {
		t.Error("a server with a program to tell cannot start it")
	}
}
