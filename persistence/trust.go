package persistence

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// explainTLS adds to an error of a TLS handshake what the server's certificate
// says, and what would be right. authority is what names the file of certificate
// authorities, server what says where the server is.
func explainTLS(err error, authority, server string) error {
	var failed *tls.CertificateVerificationError
	if !errors.As(err, &failed) || len(failed.UnverifiedCertificates) == 0 {
		return err
	}
	shown := failed.UnverifiedCertificates[0]
	var unknown x509.UnknownAuthorityError
	var elsewhere x509.HostnameError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: the certificate was issued by %q: the certificate of that authority must be in %s",
			err, issuer(failed.UnverifiedCertificates), authority)
	case errors.As(err, &elsewhere):
		return fmt.Errorf("%w: the certificate is for %s: %s must name one of these", err, strings.Join(namesOf(shown), ", "), server)
	}
	return err // it is too old, or not yet valid: that says so itself
}

// issuer is who signed the last certificate of what a server shows.
func issuer(chain []*x509.Certificate) string { return chain[len(chain)-1].Issuer.String() }

func namesOf(c *x509.Certificate) (names []string) {
	names = append(names, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		names = append(names, "no name")
	}
	return names
}

// speaksTLS reports that a server answers to TLS. It is asked only after another
// way to speak to it has failed: whose the certificate is does not matter.
func speaksTLS(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(address, "80") // where http:// leads
	}
	conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(ctx, "tcp", address)
	return err == nil && conn.Close() == nil
}
