//go:build !linux

package confine

// Process does nothing here.
func Process() error { return nil }

// Landlock is Linux's.
func Landlock(Needs) (inForce string, err error) { return "", ErrUnsupported }

// Version returns 0: there is no Landlock.
func Version() int { return 0 }
