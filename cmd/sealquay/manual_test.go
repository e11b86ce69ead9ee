package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestManual has mandoc and the shells read what is written for the commands
// that there are.
func TestManual(t *testing.T) {
	needProgram(t, "mandoc")
	folder := t.TempDir()
	runToFile(t, filepath.Join(folder, "said"), "man", filepath.Join(folder, "man"))
	pages, err := filepath.Glob(filepath.Join(folder, "man", "sealquay*.1"))
	if err != nil || len(pages) < 20 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	output(t, "mandoc", append([]string{"-Tlint", "-Wwarning"}, pages...)...)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script := filepath.Join(folder, shell)
		runToFile(t, script, "completion", shell)
		output(t, shell, "-n", script)
	}
}

// runToFile runs a command line and writes what it prints to a file.
func runToFile(t *testing.T, path string, args ...string) {
	t.Helper()
	var out, complaint bytes.Buffer
	if status := run(args, console{out: &out, err: &complaint}); status != 0 {
		t.Fatalf("%q: status %d\n%s", args, status, complaint.String())
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
