package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A folder as /proc has one for each process.
func TestBenchKnowsTheServersSettings(t *testing.T) {
	folder := t.TempDir() + "/"
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	settings := func(command ...string) map[string]string {
		t.Helper()
		cfg, err := loadFrom(folder, command)
		if err != nil {
			t.Fatal(err)
		}
		return flatSettings(cfg)
	}
	write("environ", "HOME=/root\x00SEALQUAY_WORKERS=3\x00")
	t.Chdir(folder)
	write("config.json", `{"durability": "none of the server's"}`)
	if s := settings("sealquay", "serve"); s["workers"] != "3" || s["durability"] != `"full"` {
		t.Errorf("without a config.json: %v", s)
	}
	write("cwd/config.json", `{"durability": "relaxed"}`)
	if s := settings("sealquay", "serve"); s["durability"] != `"relaxed"` {
		t.Errorf("with one in its working directory: %v", s["durability"])
	}
	write("cwd/other.json", `{"keep_versions": 9}`)
	if s := settings("sealquay", "serve", "--config", "other.json"); s["keep_versions"] != "9" || s["durability"] != `"full"` {
		t.Errorf("with --config: %v", s)
	}
}
