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

func exclude(directory *os.File) error {
	return fmt.Errorf("lock %s: %w", directory.Name(), errors.ErrUnsupported)
}

func admit(*os.File) error { return nil }
