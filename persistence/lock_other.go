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
