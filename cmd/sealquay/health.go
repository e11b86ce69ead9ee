package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/sealquay/sealquay/codec"
)

type healthCommand struct {
	configFlags
	addressFlags
	Timeout time.Duration `default:"5s" help:"Time for the answer to come."`
}

// Run asks the server that the configuration describes, on this machine, for
// an answer. It is the health check of a container, which has no other program.
func (h healthCommand) Run(ctx context.Context, c console) error {
	cfg, _, err := h.load(h.flags()...)
	if err != nil {
		return err
	}
	addr := netip.AddrPortFrom(reachable(cfg.ServerIPAddress), cfg.Port)
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	greeting := ""
	if slices.ContainsFunc(cfg.ProxyProtocolFrom, func(n netip.Prefix) bool { return n.Contains(addr.Addr()) }) {
		greeting = "PROXY UNKNOWN\r\n"
	}
	if err := probe(ctx, addr, greeting); err != nil {
		return fmt.Errorf("no server answers at %s: %w", addr, err)
	}
	_, err = fmt.Fprintf(c.out, "The server at %s answers.\n", addr)
	return err
}

// reachable returns where a server that listens on ip is reached from its own
// machine.
func reachable(ip netip.Addr) netip.Addr {
	switch {
	case !ip.IsUnspecified():
		return ip
	case ip.Is4():
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}

// probe sends a request that asks for nothing, and waits for its refusal: it
// went through the event loops, the workers and a session.
func probe(ctx context.Context, addr netip.AddrPort, greeting string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if _, err := conn.Write(append([]byte(greeting), make([]byte, codec.RequestHeaderBytes)...)); err != nil {
		return err
	}
	var answer [responseHeaderBytes]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	if want := codec.AppendResponse(nil, codec.Documented, codec.RegistrationError{}); string(want) != string(answer[:]) {
		return fmt.Errorf("it speaks another protocol: % x", answer)
	}
	return nil
}

// responseHeaderBytes is the size of a response without payload.
const responseHeaderBytes = 7
