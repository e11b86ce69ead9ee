package client

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unacknowledged reports whether bytes were written to conn that have not
// reached the peer's kernel (SIOCOUTQ, tcp(7)). It is false where that cannot
// be known.
func unacknowledged(conn net.Conn) bool { return queued(conn, unix.SIOCOUTQ) }

// readable reports whether bytes have arrived on conn (SIOCINQ, tcp(7)). It is
// false where that cannot be known.
func readable(conn net.Conn) bool { return queued(conn, unix.SIOCINQ) }

func queued(conn net.Conn, request uint) bool {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	bytes := 0
	err = raw.Control(func(fd uintptr) { bytes, _ = unix.IoctlGetInt(int(fd), request) })
	return err == nil && bytes > 0
}
