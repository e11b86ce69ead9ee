package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A group is a control group with a limit on memory, of either version.
type group struct {
	path string
	v1   bool
}

// errNoGroups means that this process may not make control groups.
var errNoGroups = errors.New("no memory control group can be made here: be root, with the memory controller mounted")

// confine puts a process into a group of its own that may use limit bytes.
func confine(pid int, limit int64) (*group, error) {
	name := "sealquay-floods-" + strconv.Itoa(pid)
	for _, g := range []*group{
		{path: filepath.Join("/sys/fs/cgroup", name)},
		{path: filepath.Join("/sys/fs/cgroup/memory", name), v1: true},
	} {
		if os.Mkdir(g.path, 0o755) != nil {
			continue
		}
		err := g.limit(limit)
		if err == nil {
			err = g.write("cgroup.procs", strconv.Itoa(pid))
		}
		if err == nil {
			return g, nil
		}
		g.remove()
	}
	return nil, errNoGroups
}

func (g *group) limit(bytes int64) error {
	if g.v1 {
		return g.write("memory.limit_in_bytes", strconv.FormatInt(bytes, 10))
	}
	return g.write("memory.max", strconv.FormatInt(bytes, 10))
}

// write writes to a file of the group's. It does not make one: where no control
// groups are mounted, the folder would take any.
func (g *group) write(name, value string) error {
	file, err := os.OpenFile(filepath.Join(g.path, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(value)
	return errors.Join(err, file.Close())
}

// kills counts the processes that the kernel ended because of the limit.
func (g *group) kills() (int, error) {
	file := "memory.events"
	if g.v1 {
		file = "memory.oom_control"
	}
	return number(filepath.Join(g.path, file), "oom_kill ")
}

// remove removes the group, if there is one, which it can once the process is
// gone.
func (g *group) remove() {
	if g != nil {
		_ = os.Remove(g.path)
	}
}

// highestRSS is the most memory that a process ever had, in bytes.
func highestRSS(pid int) (int64, error) {
	kib, err := number(fmt.Sprintf("/proc/%d/status", pid), "VmHWM:")
	return int64(kib) << 10, err
}

// number finds the number behind a word at the start of a line.
func number(path, word string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		if value, found := strings.CutPrefix(string(line), word); found {
			return strconv.Atoi(strings.Fields(value)[0])
		}
	}
	return 0, fmt.Errorf("%s has no %q", path, word)
}
