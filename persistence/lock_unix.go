//go:build unix

package persistence

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lock takes the lock file, until it is closed or the process ends. The file
// stays and is never removed: removing it would let two processes lock two
// files of one name.
func lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := exclude(file, fmt.Errorf("%w: it holds the lock %s", ErrLocked, path)); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// exclude takes the lock of a file or directory, or fails with held while
// anybody else has it.
func exclude(file *os.File, held error) error {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return held
	}
	return os.NewSyscallError("flock", err)
}

// admit gives that lock back.
func admit(file *os.File) error {
	return os.NewSyscallError("flock", unix.Flock(int(file.Fd()), unix.LOCK_UN))
}
