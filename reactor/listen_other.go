//go:build !linux

package reactor

import (
	"net"
	"syscall"
)

// Elsewhere a server cannot take over from another without a gap.
func sharePort(string, string, syscall.RawConn) error { return nil }

func steerAway(net.Listener) bool { return false }
