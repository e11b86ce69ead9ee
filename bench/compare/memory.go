package main

import (
	"errors"
	"os"
	"path/filepath"
)

// touchMemory uses as much memory for a file's pages as the run that follows
// will. A virtual machine's host takes free memory back after seconds, and then
// the first use of each page costs the guest ten times what the rest of an upload
// costs: whichever server came after a pause would pay for that.
func touchMemory(dir string, size int64) error {
	path := filepath.Join(dir, "touched")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(newContent(size).writeTo(f), f.Close(), os.Remove(path))
}
