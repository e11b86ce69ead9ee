package persistence

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// flushedWhole are the file systems that are known to flush everything with
// syncfs(2), bytes and entries, and to tell when that fails. Others do, too, but
// one in user space need not even hear of it.
var flushedWhole = []int64{
	unix.EXT4_SUPER_MAGIC, // and ext3
	unix.XFS_SUPER_MAGIC,
	unix.BTRFS_SUPER_MAGIC,
	unix.F2FS_SUPER_MAGIC,
	unix.TMPFS_MAGIC, // nothing survives there in any case
}

// syncsAll reports that syncAll can be relied on for what is below a directory.
func syncsAll(directory *os.File) bool {
	var s unix.Statfs_t
	return unix.Fstatfs(int(directory.Fd()), &s) == nil && slices.Contains(flushedWhole, int64(s.Type)) && tellsFailures()
}

// tellsFailures reports that the kernel is Linux 5.8 or later: before it,
// syncfs(2) returned 0 even when something could not be written.
func tellsFailures() bool {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return false
	}
	var major, minor int
	_, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &major, &minor)
	return err == nil && (major > 5 || major == 5 && minor >= 8)
}

// syncAll flushes the file system of a directory. Failures since the directory
// was opened are told.
func syncAll(directory *os.File) error {
	return os.NewSyscallError("syncfs", unix.Syncfs(int(directory.Fd())))
}
