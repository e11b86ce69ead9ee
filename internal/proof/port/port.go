// Package port finds ports of the loopback interface for servers that are ended
// and started again on the same one.
package port

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Connections are given ports from 32768 on by the kernel. A server's is below,
// so that none of them has it when the server comes back.
const first, last = 16384, 32767

// Free is a port of 127.0.0.1 that nobody listens on now.
func Free() (port int, err error) {
	for range 100 {
		port = first + rand.IntN(last-first+1)
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.Join(errors.New("no port is free"), err)
}
