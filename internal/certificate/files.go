package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"
)

// Protocol is the name of the protocol for a client that offers some by ALPN.
const Protocol = "sealquay"

// Files are where TLS comes from. All are PEM.
type Files struct {
	Certificate string // with its chain
	Key         string
	ClientCA    string // of the clients' certificates; empty: none are asked for
	Require     bool   // a client without a certificate is refused
}

// paths returns the files that there are.
func (f Files) paths() []string {
	paths := []string{f.Certificate, f.Key}
	if f.ClientCA != "" {
		paths = append(paths, f.ClientCA)
	}
	return paths
}

// Load reads the files. Each call makes a configuration with ticket keys of its
// own, which crypto/tls replaces every day: a session from before a change
// cannot be taken up again.
func (f Files) Load() (*tls.Config, error) {
	pair, err := f.pair()
	if err != nil {
		return nil, err
	}
	config := &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{pair},
		NextProtos:   []string{Protocol},
	}
	if f.ClientCA == "" {
		return config, nil
	}
	if config.ClientCAs, err = readCAs(f.ClientCA); err != nil {
		return nil, err
	}
	config.ClientAuth = tls.VerifyClientCertIfGiven
	if f.Require {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}

func (f Files) pair() (none tls.Certificate, _ error) {
	chain, err := os.ReadFile(f.Certificate)
	if err != nil {
		return none, fmt.Errorf("read the certificate: %w", err)
	}
	key, err := os.ReadFile(f.Key)
	if err != nil {
		return none, fmt.Errorf("read the certificate's key: %w", err)
	}
	defer clear(key)
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return none, fmt.Errorf("the certificate in %s and the key in %s: %w", f.Certificate, f.Key, err)
	}
	if now := time.Now(); now.After(pair.Leaf.NotAfter) {
		return none, fmt.Errorf("the certificate in %s is no longer valid since %s", f.Certificate, pair.Leaf.NotAfter.Format(time.RFC3339))
	}
	return pair, nil
}

// readCAs reads a file of certificates.
func readCAs(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the CAs of clients: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: %w", path, errNoCertificate)
	}
	return pool, nil
}

var errNoCertificate = errors.New("no certificate in PEM is there")
