//go:build !linux

package client

import "net"

// unacknowledged is not known here: the pause has to do.
func unacknowledged(net.Conn) bool { return false }

// readable is not known here: a refusal is seen when all is sent.
func readable(net.Conn) bool { return false }
