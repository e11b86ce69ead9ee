package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of times in /proc: USER_HZ is 100 everywhere (proc(5)).
const tick = time.Second / 100

// ProcessUsage reads what a process has used from /proc (proc(5)).
func ProcessUsage(pid int) (Usage, error) { return readUsage(fmt.Sprintf("/proc/%d", pid)) }

func ownUsage() Usage {
	u, _ := readUsage("/proc/self") // it is there
	return u
}

func readUsage(folder string) (u Usage, err error) {
	stat, err := os.ReadFile(folder + "/stat")
	if err != nil {
		return u, err
	}
	// The name of the process, in brackets, may hold anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const userTime, systemTime = 14 - 3, 15 - 3 // proc(5) counts from 1, and the name is gone
	if len(fields) <= systemTime {
		return u, errors.New("/proc/PID/stat is too short")
	}
	for _, at := range []int{userTime, systemTime} {
		ticks, err := strconv.ParseInt(fields[at], 10, 64)
		if err != nil {
			return u, err
		}
		u.CPU += time.Duration(ticks) * tick
	}
	status, err := os.ReadFile(folder + "/status")
	if err != nil {
		return u, err
	}
	u.RSS, u.Peak = kibibytes(status, "VmRSS:"), kibibytes(status, "VmHWM:")
	return u, nil
}

// kibibytes finds a line as "VmRSS:   1234 kB" and returns bytes.
func kibibytes(text []byte, key string) int64 {
	for line := range strings.Lines(string(text)) {
		if rest, is := strings.CutPrefix(line, key); is {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}

// machineIdle returns the time that all processors together were idle.
func machineIdle() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(first)
	if len(fields) < 6 {
		return 0
	}
	idle, _ := strconv.ParseInt(fields[4], 10, 64)
	waiting, _ := strconv.ParseInt(fields[5], 10, 64)
	return time.Duration(idle+waiting) * tick
}

// descriptorLimit returns how many descriptors this process may have, or 0 if
// that is not known. The runtime has raised it to the hard limit.
func descriptorLimit() uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return limit.Cur
}

// machine describes this machine and its kernel.
func machine() (cpu, kernel string, memory int64) {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, is := strings.CutPrefix(line, "model name"); is {
			cpu = strings.TrimSpace(strings.TrimLeft(name, "\t :"))
			break
		}
	}
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	meminfo, _ := os.ReadFile("/proc/meminfo")
	return cpu, "Linux " + strings.TrimSpace(string(release)), kibibytes(meminfo, "MemTotal:")
}
