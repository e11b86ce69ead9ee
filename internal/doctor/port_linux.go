package doctor

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// port tries to listen, and looks for who does already. Serves asks whether this
// is a server of ours: not even its own user can see that.
func port(addr string, serves func(addr string) bool) Finding {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		_ = l.Close()
		return Port(addr, nil, nil)
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return Port(addr, nil, err)
	}
	holder := holderOf(addr)
	if holder.Name != "sealquay" && serves(addr) {
		holder.Name = "sealquay"
	}
	return Port(addr, holder, err)
}

// holderOf finds the process that listens on an address's port: the socket's
// number in the tables of the network, then the descriptor that has it.
func holderOf(addr string) *Holder {
	parsed, err := netip.ParseAddrPort(addr)
	if err != nil {
		return new(Holder)
	}
	for _, socket := range listening(parsed.Port()) {
		descriptors, _ := filepath.Glob("/proc/[0-9]*/fd/*") // of others only as root
		for _, d := range descriptors {
			if link, _ := os.Readlink(d); link == "socket:["+socket+"]" {
				folder := filepath.Dir(filepath.Dir(d))
				pid, _ := strconv.Atoi(filepath.Base(folder))
				name, _ := os.ReadFile(filepath.Join(folder, "comm"))
				return &Holder{pid, strings.TrimSpace(string(name))}
			}
		}
	}
	return new(Holder)
}

// listening returns the numbers of the sockets that listen on a port
// (proc_net(5)).
func listening(port uint16) (sockets []string) {
	suffix := fmt.Sprintf(":%04X", port)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(table) // without it, nobody is found
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" && strings.HasSuffix(f[1], suffix) {
				sockets = append(sockets, f[9])
			}
		}
	}
	return sockets
}

// steers tries what a restart needs of the kernel, on a socket that nobody
// uses.
func steers() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return err
	}
	second := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 1}}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF,
		&unix.SockFprog{Len: uint16(len(second)), Filter: &second[0]})
}
