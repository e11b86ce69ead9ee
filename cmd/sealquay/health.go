package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/config"
)

type healthCommand struct {
	configFlags
	addressFlags
	Timeout     time.Duration `default:"5s" help:"Time for the answer to come."`
	TLS         bool          `name:"tls" help:"Ask through TLS, as with require_tls in config.json. The next flags mean it, too."`
	CA          string        `name:"ca" placeholder:"FILE" help:"Trust the certificates in this PEM file and no others. Without it the server's certificate is not verified, but must not have expired."`
	ServerName  string        `placeholder:"NAME" help:"Name in the server's certificate, where it is not that of the address."`
	Certificate string        `placeholder:"FILE" help:"PEM file of a client's certificate, for a server that asks for one."`
	Key         string        `placeholder:"FILE" help:"PEM file of its private key."`
}

// Run asks the server that the configuration describes, on this machine, for
// an answer. It is the health check of a container, which has no other program.
func (h healthCommand) Run(ctx context.Context, c console) error {
	cfg, _, err := h.load(h.flags()...)
	if err != nil {
		return err
	}
	addr, dial, err := h.way(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	if err := probe(ctx, addr, dial); err != nil {
		return fmt.Errorf("no server answers at %s: %w", addr, err)
	}
	_, err = fmt.Fprintf(c.out, "The server at %s answers.\n", addr)
	return err
}

// way returns where the server is to be asked, and how to connect.
func (h healthCommand) way(cfg *config.Config) (at netip.AddrPort, dial client.DialFunc, err error) {
	throughTLS := cfg.RequireTLS || h.TLS || h.CA != "" || h.ServerName != "" || h.Certificate != "" || h.Key != ""
	at = netip.AddrPortFrom(cfg.ServerIPAddress, cfg.Port)
	if throughTLS {
		at = cfg.TLSAddress()
		if h.Port != nil {
			at = netip.AddrPortFrom(at.Addr(), cfg.Port)
		}
	}
	at = netip.AddrPortFrom(reachable(at.Addr()), at.Port())
	dial = dialGreeting(slices.ContainsFunc(cfg.ProxyProtocolFrom, func(n netip.Prefix) bool { return n.Contains(at.Addr()) }))
	if !throughTLS {
		return at, dial, nil
	}
	dial, err = client.TLS{Unverified: h.CA == "", CA: h.CA, ServerName: h.ServerName, Certificate: h.Certificate, Key: h.Key}.Dial(dial)
	return at, dial, err
}

// dialGreeting connects, and says at once what a load balancer would, where the
// server takes this machine for one.
func dialGreeting(balancer bool) client.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil && balancer {
			_, err = io.WriteString(conn, "PROXY UNKNOWN\r\n")
		}
		if err != nil && conn != nil {
			err = errors.Join(err, conn.Close())
		}
		return conn, err
	}
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
func probe(ctx context.Context, addr netip.AddrPort, dial client.DialFunc) error {
	conn, err := dial(ctx, "tcp", addr.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := notExpired(conn); err != nil {
		return err
	}
	if _, err := conn.Write(make([]byte, codec.RequestHeaderBytes)); err != nil {
		return unanswered(conn, err)
	}
	var answer [responseHeaderBytes]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return errors.Join(ctx.Err(), unanswered(conn, err))
	}
	if [2]byte(answer[:]) == tlsAlert {
		return errors.New("it speaks TLS: ask by --tls")
	}
	if want := codec.AppendResponse(nil, codec.Documented, codec.RegistrationError{}); string(want) != string(answer[:]) {
		return fmt.Errorf("it speaks another protocol: % x", answer)
	}
	return nil
}

// tlsAlert is how the record begins by which TLS refuses what is not TLS
// (RFC 8446 section 5.1).
var tlsAlert = [2]byte{21, 3}

// unanswered says what may be the reason that no answer came.
func unanswered(conn net.Conn, err error) error {
	_, secure := conn.(*tls.Conn)
	gone := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	switch {
	case secure && strings.Contains(err.Error(), "certificate required"): // crypto/tls has no value for it
		return fmt.Errorf("%w: it asks for a client's certificate; give one by --certificate and --key", err)
	case secure && gone:
		return fmt.Errorf("%w: it closes the connection; if it asks for a client's certificate, give one by --certificate and --key", err)
	case gone:
		return errors.New("it closes the connection; if it speaks TLS only, ask by --tls")
	}
	return err
}

// notExpired looks at the certificate of a connection with TLS, which may not
// have been verified. Clients would refuse one that has expired.
func notExpired(conn net.Conn) error {
	secure, is := conn.(*tls.Conn)
	if !is {
		return nil
	}
	if until := secure.ConnectionState().PeerCertificates[0].NotAfter; time.Now().After(until) {
		return fmt.Errorf("its certificate has expired at %s", until.Format(time.RFC3339))
	}
	return nil
}

// responseHeaderBytes is the size of a response without payload.
const responseHeaderBytes = 7
