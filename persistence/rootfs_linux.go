package persistence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// unnamedTemp is a Temp that has no name at all: nothing is left of it when
// the process ends.
type unnamedTemp struct {
	*os.File
	root *os.Root
}

func (r *rootFS) unnamed() (Temp, error) {
	file, err := r.root.OpenFile(temporaryFolder, unix.O_TMPFILE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &unnamedTemp{File: file, root: r.root}, nil
}

// Link names the file through /proc, as open(2) shows: linking a descriptor
// itself needs a capability.
func (t *unnamedTemp) Link(name string) error {
	in, last := split(name)
	directory, err := t.root.Open(in)
	if err != nil {
		return err
	}
	err = unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", t.Fd()),
		int(directory.Fd()), last, unix.AT_SYMLINK_FOLLOW)
	if err != nil {
		err = &fs.PathError{Op: "linkat", Path: name, Err: err}
	}
	return errors.Join(err, directory.Close())
}
