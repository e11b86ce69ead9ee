package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"time"
)

// A Request says what certificate to make.
type Request struct {
	Names    []string // DNS names and addresses that the server is reached by
	Lifetime time.Duration
}

// Make makes a certificate that signs itself, with an ECDSA key on P-256 of its
// own. Whoever is given it as a CA trusts the server that has the key, and
// nobody else: it may not sign others. Both are returned as PEM.
func Make(r Request) (certificate, key []byte, err error) {
	template, err := r.template(time.Now())
	if err != nil {
		return nil, nil, err
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, fmt.Errorf("make a certificate: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the key: %w", err)
	}
	defer clear(secret)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}

func (r Request) template(now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	switch {
	case err != nil:
		return nil, fmt.Errorf("draw a serial number: %w", err)
	case len(r.Names) == 0:
		return nil, errors.New("a certificate needs a name or an address")
	case r.Lifetime <= 0:
		return nil, fmt.Errorf("a certificate cannot be valid for %v", r.Lifetime)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: r.Names[0]},
		NotBefore:    now.Add(-time.Hour), // clocks differ
		NotAfter:     now.Add(r.Lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},

		BasicConstraintsValid: true,
	}
	for _, name := range r.Names {
		if a, err := netip.ParseAddr(name); err == nil {
			template.IPAddresses = append(template.IPAddresses, net.IP(a.AsSlice()))
			continue
		}
		template.DNSNames = append(template.DNSNames, name)
	}
	return template, nil
}
