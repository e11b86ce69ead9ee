//go:build linux

package confine

import (
	"errors"
	"io/fs"
	"os"
)

// kind tells what a path is, symbolic links followed.
func kind(path string) (isFolder, there bool, err error) {
	about, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	return about.IsDir(), true, nil
}
