package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealquay/sealquay/internal/certificate"
	"github.com/sealquay/sealquay/internal/config"
)

// health asks the server at an address, and returns the status and all that was
// said.
func health(at netip.AddrPort, flags ...string) (status int, said string) {
	var out bytes.Buffer
	status = run(append([]string{"health", "--port", fmt.Sprint(at.Port())}, flags...), console{nil, &out, &out})
	return status, out.String()
}

// TestHealth asks servers with and without TLS, with what they want to see and
// without.
func TestHealth(t *testing.T) {
	t.Setenv("SEALQUAY_SERVER_IP_ADDRESS", "127.0.0.1")
	folder := makeCertificate(t, t.TempDir())
	pem, key := filepath.Join(folder, "certificate.pem"), filepath.Join(folder, "key.pem")
	both := startTestServer(t, withTLS(folder))
	strict := startTestServer(t, withTLS(folder), func(c *config.Config) {
		c.RequireTLS = true
		c.TLS.ClientCA, c.TLS.ClientCertificate = pem, config.ClientCertificateRequired
	})
	proxied := startTestServer(t, withTLS(folder), func(c *config.Config) {
		c.ProxyProtocolFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	for _, ask := range []struct {
		at    netip.AddrPort
		flags []string
		says  string // "" when the server is well
	}{
		{both.Addr(), nil, ""},
		{both.Addr(), []string{"--tls"}, "TLS"},
		{both.TLSAddr(), nil, "--tls"},
		{both.TLSAddr(), []string{"--tls"}, ""},
		{both.TLSAddr(), []string{"--ca", pem}, ""},
		{both.TLSAddr(), []string{"--ca", pem, "--server-name", "localhost"}, ""},
		{both.TLSAddr(), []string{"--ca", pem, "--server-name", "elsewhere"}, "not elsewhere"},
		{both.TLSAddr(), []string{"--ca", key}, "no certificate in PEM"},
		{strict.TLSAddr(), []string{"--tls"}, "--certificate and --key"},
		{strict.TLSAddr(), []string{"--certificate", pem}, "needs its key"},
		{strict.TLSAddr(), []string{"--certificate", pem, "--key", key}, ""},
	} {
		status, said := health(ask.at, ask.flags...)
		if (status == 0) != (ask.says == "") || !strings.Contains(said, ask.says) {
			t.Errorf("health %q: status %d, %s; want %q", ask.flags, status, said, ask.says)
		}
	}
	t.Setenv("SEALQUAY_PROXY_PROTOCOL_FROM", "127.0.0.0/8")
	for at, flags := range map[netip.AddrPort][]string{proxied.Addr(): nil, proxied.TLSAddr(): {"--tls"}} {
		if status, said := health(at, flags...); status != 0 {
			t.Errorf("behind a load balancer, %q: %s", flags, said)
		}
	}
	t.Setenv("SEALQUAY_PROXY_PROTOCOL_FROM", "")
	t.Setenv("SEALQUAY_REQUIRE_TLS", "true")
	t.Setenv("SEALQUAY_TLS_CERTIFICATE", pem)
	t.Setenv("SEALQUAY_TLS_KEY", key)
	if status, said := health(both.TLSAddr()); status != 0 {
		t.Errorf("as the configuration says: %s", said)
	}
}

// TestHealthOfAnExpiredCertificate: clients would refuse it.
func TestHealthOfAnExpiredCertificate(t *testing.T) {
	chain, key, err := certificate.Make(certificate.Request{Names: []string{"localhost"}, Lifetime: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if conn, err := l.Accept(); err == nil {
			_, _ = io.Copy(io.Discard, conn) // until health hangs up
			_ = conn.Close()
		}
	}()
	if status, said := health(netip.MustParseAddrPort(l.Addr().String()), "--ip", "127.0.0.1", "--tls"); status == 0 || !strings.Contains(said, "expired at") {
		t.Errorf("status %d: %s", status, said)
	}
}
