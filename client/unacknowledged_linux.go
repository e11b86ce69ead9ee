package client

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unacknowledged reports whether bytes were written to conn that have not
// reached the peer's kernel (SIOCOUTQ, tcp(7)). It is false where that cannot
// be known.
func unacknowledged(conn net.Conn) bool {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	pending := 0
	err = raw.Control(func(fd uintptr) {
		pending, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	})
	return err == nil && pending > 0
}
