//go:build linux || darwin || freebsd

package persistence

import "golang.org/x/sys/unix"

// space returns how many bytes the file system of a directory has left for this
// process, and how many it has.
func space(directory string) (free, all int64, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(directory, &s); err != nil {
		return 0, 0, false
	}
	block := int64(s.Bsize)
	return int64(s.Bavail) * block, int64(s.Blocks) * block, true
}
