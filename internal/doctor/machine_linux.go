package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Plan is what a server is going to do on this machine.
type Plan struct {
	Addrs          []string               // host:port to listen on
	Serves         func(addr string) bool // asks whether a sealquay server is there
	DataDir        string                 // need not exist
	FreeSpace      int64                  // bytes that uploads leave free there
	MemoryBudget   int64                  // bytes
	MaxConnections int
}

// Examine does all checks of the machine. It writes a few KiB to the data
// directory, or to the folder above it that exists, and removes them; this takes
// at most about two seconds.
func Examine(p Plan) []Finding {
	dir := existing(p.DataDir)
	findings := []Finding{
		descriptors(p.MaxConnections),
		memory(p.MemoryBudget),
		Restart(steers()),
		clock(),
		permissions(dir, p.DataDir),
		fileSystem(dir),
	}
	for _, addr := range p.Addrs {
		findings = append(findings, port(addr, p.Serves))
	}
	findings = append(findings, space(dir, uint64(p.FreeSpace))...)
	return append(findings, Unnamed(unnamed(dir)), SyncSpeed(syncSpeed(dir)))
}

// existing returns path, or the nearest folder above it that exists.
func existing(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

func descriptors(connections int) Finding {
	var limit unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) // cannot fail
	return Descriptors(limit.Max, connections)     // the server raises its own to this
}

func memory(budget int64) Finding {
	var info unix.Sysinfo_t
	_ = unix.Sysinfo(&info) // cannot fail
	return Memory(groupLimit("/proc/self/cgroup", "/sys/fs/cgroup"), uint64(info.Totalram)*uint64(info.Unit), budget)
}

// groupLimit returns the least memory.max of the process's control group and
// those above it, 0 for none (cgroup v2), or memory.limit_in_bytes (v1).
func groupLimit(group, root string) (least uint64) {
	text, _ := os.ReadFile(group) // without it there is no limit
	for line := range strings.Lines(string(text)) {
		_, controllers, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, path, _ := strings.Cut(controllers, ":")
		at, file := root, "memory.max"
		if slices.Contains(strings.Split(controllers, ","), "memory") {
			at, file = filepath.Join(root, "memory"), "memory.limit_in_bytes"
		} else if controllers != "" {
			continue
		}
		for {
			value, _ := os.ReadFile(filepath.Join(at, path, file))
			if limit, err := strconv.ParseUint(strings.TrimSpace(string(value)), 10, 64); err == nil && (least == 0 || limit < least) {
				least = limit
			}
			if path == "/" || path == "." || path == "" {
				break
			}
			path = filepath.Dir(path)
		}
	}
	return least
}

func clock() Finding {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return Clock(err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0, time.Now())
}

func space(dir string, keep uint64) []Finding {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return []Finding{wrong("space", err.Error(), "choose another data_dir")}
	}
	block := uint64(s.Bsize)
	return Space{Free: s.Bavail * block, Total: s.Blocks * block, Keep: keep, Inodes: s.Ffree, InodesSize: s.Files}.judge()
}

func fileSystem(dir string) Finding {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return hint("file system", err.Error(), "nothing can be said of it")
	}
	kind, options := mountOf(string(table), dir)
	return FileSystem(kind, options)
}

// mountOf returns the kind and the options of the mount that a path lies on
// (proc_pid_mountinfo(5)): the last of the longest.
func mountOf(table, path string) (kind string, options []string) {
	longest := -1
	for line := range strings.Lines(table) {
		before, after, _ := strings.Cut(line, " - ")
		mount, file := strings.Fields(before), strings.Fields(after)
		if len(mount) < 6 || len(file) < 3 {
			continue
		}
		point := strings.ReplaceAll(mount[4], `\040`, " ")
		inside := point == "/" || path == point || strings.HasPrefix(path, point+"/")
		if inside && len(point) >= longest {
			longest = len(point)
			kind = file[0]
			options = slices.Concat(strings.Split(mount[5], ","), strings.Split(file[2], ","))
			slices.Sort(options)
			options = slices.Compact(options)
			if slices.Contains(options, "ro") {
				options = slices.DeleteFunc(options, func(o string) bool { return o == "rw" }) // either counts
			}
		}
	}
	return kind, options
}

// permissions looks at the folder, and for files of other users directly in it:
// the database and what belongs to it. Where the data directory is not made yet,
// the folder that it will be made in only has to let that happen.
func permissions(dir, dataDir string) Finding {
	info, err := os.Stat(dir)
	if err == nil {
		err = unix.Access(dir, unix.W_OK|unix.X_OK)
	}
	if err != nil {
		return Permissions(fmt.Errorf("%s: %w", dir, err), nil, 0)
	}
	if absolute, err := filepath.Abs(dataDir); err == nil && absolute != dir {
		return good("permissions", dataDir+" can be made")
	}
	var foreign []string
	entries, _ := os.ReadDir(dir) // what cannot be listed is not foreign
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "sealquay.db") {
			continue
		}
		if file, err := entry.Info(); err == nil && owner(file) != owner(info) {
			foreign = append(foreign, filepath.Join(dir, entry.Name()))
		}
	}
	return Permissions(nil, foreign, uint32(info.Mode().Perm()))
}

func owner(info os.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Uid }

func unnamed(dir string) error {
	file, err := os.OpenFile(dir, unix.O_TMPFILE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// syncSpeed writes and syncs 4 KiB a few times, for two seconds at most, and
// returns the middle of the times.
func syncSpeed(dir string) (middle time.Duration, err error) {
	file, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	var times []time.Duration
	for begun := time.Now(); len(times) < 32 && time.Since(begun) < 2*time.Second; {
		at := time.Now()
		if _, err := file.WriteAt(make([]byte, 4096), int64(len(times))*4096); err != nil {
			return 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(at))
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}
