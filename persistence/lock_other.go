//go:build !unix

package persistence

import (
	"errors"
	"fmt"
	"os"
)

// lock cannot be taken here: the server runs on Unix.
func lock(path string) (*os.File, error) {
	return nil, fmt.Errorf("lock %s: %w", path, errors.ErrUnsupported)
}

func exclude(file *os.File, _ error) error {
	return fmt.Errorf("lock %s: %w", file.Name(), errors.ErrUnsupported)
}

func admit(*os.File) error { return nil }
