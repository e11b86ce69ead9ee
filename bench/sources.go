package bench

import (
	"context"
	"net"
	"time"

	"github.com/sealquay/sealquay/client"
)

// maxSources is the number of source addresses that can be used: 127.0.0.1 to
// 127.0.0.250.
const maxSources = 250

// loopbackSource returns one of the addresses, or nil for the system's choice.
func loopbackSource(target string, index, sources int) net.Addr {
	host, _, _ := net.SplitHostPort(target)
	if ip := net.ParseIP(host).To4(); sources < 2 || ip == nil || !ip.IsLoopback() {
		return nil
	}
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+index%sources))}
}

// Loopback reports whether all addresses of the target are of this machine's
// loopback interface.
func Loopback(ctx context.Context, target string) (bool, error) {
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		return false, err
	}
	addresses, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return false, err
	}
	for _, address := range addresses {
		if !address.IP.IsLoopback() {
			return false, nil
		}
	}
	return true, nil
}

// dialer returns how a client connects.
func (r *Runner) dialer(c *virtualClient) client.DialFunc {
	dial := r.dial
	if dial == nil {
		dialer := new(net.Dialer)
		if from := loopbackSource(r.plan.Target, c.index, r.plan.Sources); from != nil {
			dialer.LocalAddr, dialer.Control = from, lateBind
		}
		dial = dialer.DialContext
	}
	if r.plan.TLS {
		dial = throughTLS(dial)
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil || !c.slow {
			return conn, err
		}
		return newSlowConn(conn, r.plan.SlowRate), nil
	}
}

// throughTLS returns how a client connects with TLS. A load generator takes any
// certificate: it sends nothing that is worth a secret.
func throughTLS(dial client.DialFunc) client.DialFunc {
	through, err := client.TLS{Unverified: true}.Dial(dial)
	if err != nil {
		panic(err) // no file was named that could be wrong
	}
	return through
}

// A slowConn writes a few bytes at a time.
type slowConn struct {
	net.Conn
	rate int64 // bytes per second
}

func newSlowConn(conn net.Conn, rate int64) net.Conn { return &slowConn{conn, rate} }

const slowPieces = 10 // per second

// Write writes all of p at the rate, but no piece of less than 64 bytes.
func (c *slowConn) Write(p []byte) (written int, err error) {
	piece := max(int(c.rate/slowPieces), 64)
	for len(p) > 0 {
		n, err := c.Conn.Write(p[:min(piece, len(p))])
		written += n
		if p = p[n:]; err != nil || len(p) == 0 {
			return written, err
		}
		time.Sleep(time.Duration(float64(n) / float64(c.rate) * float64(time.Second)))
	}
	return written, nil
}
