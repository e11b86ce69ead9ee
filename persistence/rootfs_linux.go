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
	earlyFile
	fs *rootFS
}

// unnamed opens such a file.
func (r *rootFS) unnamed() (Temp, error) {
	file, err := r.openUnnamed()
	if err != nil {
		return nil, err
	}
	return &unnamedTemp{earlyFile{File: file, early: r.early}, r}, nil
}

func (r *rootFS) openUnnamed() (*os.File, error) {
	return r.root.OpenFile(temporaryFolder, unix.O_TMPFILE|os.O_RDWR, 0o600)
}

// sendEarly lets content go to the disk while it arrives, where that can be.
func (r *rootFS) sendEarly() {
	file, err := r.openUnnamed()
	if err != nil {
		return
	}
	defer file.Close()
	r.early = newEarly(file, syncFileRange)
}

// Link names the file through /proc, as open(2) shows: linking a descriptor
// itself needs a capability.
func (t *unnamedTemp) Link(name string) error {
	in, last := split(name)
	directory, err := t.fs.root.Open(in)
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

func (t *unnamedTemp) Replace(name string) error { return t.fs.replace(t, name) }
