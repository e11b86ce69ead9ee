package config

import (
	"net/netip"
	"time"
)

// ClientCertificate says whether clients must show one.
type ClientCertificate string

// The values of tls.client_certificate.
const (
	ClientCertificateOptional ClientCertificate = "optional"
	ClientCertificateRequired ClientCertificate = "required"
)

// Confine says whether the process gives up what it does not need.
type Confine string

// The values of confine.
const (
	ConfineAuto    Confine = "auto"
	ConfineOff     Confine = "off"
	ConfineRequire Confine = "require"
)

// TLS configures the listener with TLS.
type TLS struct {
	Certificate       string // empty: there is none
	Key               string
	ClientCA          string
	ClientCertificate ClientCertificate
	Address           netip.Addr
	Port              uint16
	HandshakeTimeout  time.Duration
}

// TLSAddress returns where to listen with TLS.
func (c *Config) TLSAddress() netip.AddrPort {
	at := netip.AddrPortFrom(c.ServerIPAddress, c.TLS.Port)
	if _, given := c.sources["tls.port"]; c.RequireTLS && !given {
		at = netip.AddrPortFrom(at.Addr(), c.Port)
	}
	if c.TLS.Address.IsValid() {
		at = netip.AddrPortFrom(c.TLS.Address, at.Port())
	}
	return at
}

// checkTLS notes what the listener with TLS lacks.
func (l *loader) checkTLS() {
	c := l.config
	switch {
	case (c.TLS.Certificate == "") != (c.TLS.Key == ""):
		given, other := "tls.certificate", "tls.key"
		if c.TLS.Certificate == "" {
			given, other = other, given
		}
		l.wrong(given, "it together with "+other)
	case c.RequireTLS && c.TLS.Certificate == "":
		l.wrong("require_tls", "true only with tls.certificate and tls.key")
	case c.TLS.ClientCA != "" && c.TLS.Certificate == "":
		l.wrong("tls.client_ca", "it only with tls.certificate and tls.key")
	case c.TLS.ClientCertificate == ClientCertificateRequired && c.TLS.ClientCA == "":
		l.wrong("tls.client_certificate", `"required" only with tls.client_ca`)
	case c.TLS.Certificate != "" && !c.RequireTLS && c.Port != 0 && c.TLSAddress() == netip.AddrPortFrom(c.ServerIPAddress, c.Port):
		l.wrong("tls.port", "another port than the server's, or require_tls")
	}
}
