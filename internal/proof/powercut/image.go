package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// deviceSize holds the files of a proof, many times over.
const deviceSize = 192 << 20

// formatted returns the image of an empty ext4, made in a directory.
func formatted(dir string) ([]byte, error) {
	path := filepath.Join(dir, "image")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return nil, err
	}
	defer os.Remove(path)
	if err := os.Truncate(path, deviceSize); err != nil {
		return nil, err
	}
	format := exec.Command("mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0",
		"-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", path)
	if out, err := format.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mkfs.ext4: %w\n%s", err, out)
	}
	return os.ReadFile(path)
}
