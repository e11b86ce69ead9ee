package config

import (
	"os"
	"path/filepath"
	"testing"
)

// write makes a file of the working directory, which is the test's own, and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// The repository's own files give the defaults, without a warning.
func TestRepositoryFiles(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	c, warnings, err := Load(Options{})
	if err != nil || len(warnings) > 0 {
		t.Fatalf("Load: %v, warnings %v", err, warnings)
	}
	t.Chdir(t.TempDir())
	defaults, _, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c.ServerIPAddress != defaults.ServerIPAddress || c.Port != DefaultPort {
		t.Errorf("repository: %v %d, defaults: %v %d", c.ServerIPAddress, c.Port, defaults.ServerIPAddress, defaults.Port)
	}
}
