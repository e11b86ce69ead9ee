//go:build !linux

package persistence

import "errors"

// unnamed exists on Linux only.
func (r *rootFS) unnamed() (Temp, error) { return nil, errors.ErrUnsupported }
