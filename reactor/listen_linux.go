package reactor

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// sharePort lets a socket listen beside others of the same user.
func sharePort(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
	return errors.Join(err, failed)
}

// steerAway has the kernel give new connections to the listener that joined
// l's port last, and reports whether there is one. Listeners of a port are
// numbered in the order in which they joined, and l is the first of two; with
// one left, the kernel passes over the program (socket(7),
// SO_ATTACH_REUSEPORT_CBPF).
func steerAway(l net.Listener) bool {
	tcp, ok := l.(*net.TCPListener)
	if !ok || !shared(tcp.Addr().(*net.TCPAddr).Port) {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return false
	}
	second := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 1}}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF,
			&unix.SockFprog{Len: uint16(len(second)), Filter: &second[0]})
	})
	return err == nil && failed == nil
}

// shared reports whether more than one socket listens on an address with this
// port (proc_net(5): the second field is the address, the fourth the state).
func shared(port int) bool {
	suffix := fmt.Sprintf(":%04X", port)
	listening := make(map[string]int)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(table) // without it: not shared
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) > 3 && f[3] == "0A" && strings.HasSuffix(f[1], suffix) {
				listening[f[1]]++
			}
		}
	}
	for _, n := range listening {
		if n > 1 {
			return true
		}
	}
	return false
}
