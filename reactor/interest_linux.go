package reactor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// findInterest finds the epoll instance that fd, a connection's descriptor, is
// registered with: the kernel lists the targets of each instance in fdinfo
// (proc_pid_fdinfo(5)).
func findInterest(fd int) interest {
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || target != "anon_inode:[eventpoll]" {
			continue
		}
		poller, err := strconv.Atoi(filepath.Base(link))
		if err == nil && watches(poller, fd) {
			return interest{poller}
		}
	}
	return interest{-1}
}

func watches(poller, fd int) bool {
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", poller))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(info)) {
		f := strings.Fields(line)
		if len(f) > 1 && f[0] == "tfd:" && f[1] == strconv.Itoa(fd) {
			return true
		}
	}
	return false
}

// set makes the loop read fd or not. With output, it also waits until fd can
// be written to, as gnet does while answers wait.
func (i interest) set(fd int, read, output bool) error {
	if i.poller < 0 {
		return errNoInterest
	}
	e := unix.EpollEvent{Fd: int32(fd)}
	if read {
		e.Events |= unix.EPOLLIN | unix.EPOLLPRI
	}
	if output {
		e.Events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(i.poller, unix.EPOLL_CTL_MOD, fd, &e); err != nil {
		return fmt.Errorf("change the interest in descriptor %d: %w", fd, err)
	}
	return nil
}
