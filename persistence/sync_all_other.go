//go:build !linux

package persistence

import (
	"errors"
	"os"
)

func syncsAll(*os.File) bool { return false }
func syncAll(*os.File) error { return errors.ErrUnsupported }
