package persistence

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncData flushes a file's content, and of the rest only what is needed to
// read it again: the times of the log are not, and leaving them out saves a
// commit of the file system's journal.
func syncData(file *os.File) error {
	for {
		err := unix.Fdatasync(int(file.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
