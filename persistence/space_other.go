//go:build !linux && !darwin && !freebsd

package persistence

// space cannot be told here.
func space(string) (free, all int64, known bool) { return 0, 0, false }
