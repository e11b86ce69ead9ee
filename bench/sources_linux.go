package bench

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// lateBind lets the kernel choose the port when the destination is known, so
// that one source port serves several destinations and is found quickly
// (IP_BIND_ADDRESS_NO_PORT, ip(7)).
func lateBind(_, _ string, conn syscall.RawConn) (err error) {
	failed := conn.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	})
	if failed != nil {
		return failed
	}
	return err
}
