package reactor

import (
	"encoding/binary"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// listeners returns how many TCP sockets listen at each address with this port.
// It asks the kernel for just these (sock_diag(7)): /proc/net/tcp would list
// every connection that ended in the last minute, too.
func listeners(port int) (map[string]int, error) {
	found := make(map[string]int)
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		if err := dumpListeners(family, uint16(port), found); err != nil {
			return nil, fmt.Errorf("ask for the sockets that listen: %w", err)
		}
	}
	return found, nil
}

// Sizes and offsets of linux/inet_diag.h.
const (
	diagRequest     = 56 // struct inet_diag_req_v2
	diagStates      = 4  // in the request
	diagPort        = 8
	diagReplyPort   = 4 // in struct inet_diag_msg
	diagReplySource = 8
	addressBytes    = 16
)

func dumpListeners(family uint8, port uint16, found map[string]int) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	q := make([]byte, unix.NLMSG_HDRLEN+diagRequest)
	binary.NativeEndian.PutUint32(q, uint32(len(q)))
	binary.NativeEndian.PutUint16(q[4:], unix.SOCK_DIAG_BY_FAMILY)
	binary.NativeEndian.PutUint16(q[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	body := q[unix.NLMSG_HDRLEN:]
	body[0], body[1] = family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(body[diagStates:], 1<<unix.BPF_TCP_LISTEN)
	binary.BigEndian.PutUint16(body[diagPort:], port)
	if err := unix.Sendto(fd, q, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	for answer := make([]byte, 32<<10); ; {
		n, _, err := unix.Recvfrom(fd, answer, 0)
		if err != nil {
			return err
		}
		if done, err := countListeners(answer[:n], port, found); done || err != nil {
			return err
		}
	}
}

// countListeners adds up one part of the kernel's answer, and reports whether it
// is the last.
func countListeners(answer []byte, port uint16, found map[string]int) (done bool, err error) {
	messages, err := syscall.ParseNetlinkMessage(answer)
	if err != nil {
		return false, err
	}
	for _, m := range messages {
		switch {
		case m.Header.Type == unix.NLMSG_DONE:
			return true, nil
		case m.Header.Type == unix.NLMSG_ERROR:
			return false, diagError(m.Data)
		case len(m.Data) < diagReplySource+addressBytes:
			return false, unix.EBADMSG
		case binary.BigEndian.Uint16(m.Data[diagReplyPort:]) == port:
			found[fmt.Sprintf("%d %x", m.Data[0], m.Data[diagReplySource:diagReplySource+addressBytes])]++
		}
	}
	return false, nil
}

// diagError returns the error of a message that brings one: a negative errno.
func diagError(data []byte) error {
	if len(data) < 4 {
		return unix.EBADMSG
	}
	return unix.Errno(-int32(binary.NativeEndian.Uint32(data)))
}
