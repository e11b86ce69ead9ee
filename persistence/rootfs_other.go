//go:build !linux

package persistence

import "errors"

// early and unnamed files exist on Linux only.
type early struct{}

func (r *rootFS) sendEarly() {}

func (r *rootFS) unnamed() (Temp, error) { return nil, errors.ErrUnsupported }
