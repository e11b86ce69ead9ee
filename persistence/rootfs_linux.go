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
	root    *os.Root
	written int64
	started int64 // of these, up to here are on their way to the disk
}

// writebackStep is how many bytes are written before they are sent on their
// way, so that the flush of a large file finds little left to do. Measured with
// 256 MiB on ext4: the flush took 10 ms where it had taken 95, and the whole
// upload 120 ms where it had taken 170.
const writebackStep = 8 << 20

func (t *unnamedTemp) Write(p []byte) (int, error) {
	n, err := t.File.Write(p)
	t.written += int64(n)
	if ahead := t.written - t.started; ahead >= writebackStep {
		// It only starts the work; a failure of that is Sync's to report.
		_ = unix.SyncFileRange(int(t.Fd()), t.started, ahead, unix.SYNC_FILE_RANGE_WRITE)
		t.started = t.written
	}
	return n, err
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
