package reactor

import (
	"errors"
	"net"
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
// port. Where the kernel does not say, it is taken for shared: that costs a
// server that is alone a second when it ends.
func shared(port int) bool {
	found, err := listeners(port)
	if err != nil {
		return true
	}
	for _, n := range found {
		if n > 1 {
			return true
		}
	}
	return false
}
