package client

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
)

// TLSProtocol is the name of this protocol in ALPN.
const TLSProtocol = "sealquay"

// A TLS says how a client makes sure of its server, and who it is itself.
// Version 1.3 is spoken and no other.
type TLS struct {
	// CA is a PEM file of the certificates that are trusted. By default they are
	// those of the system.
	CA string
	// KnownHosts is a file of the keys that servers are known by. With it, the
	// key of a server is trusted at the first meeting and remembered, and no
	// other key ever after; CA is not used.
	KnownHosts string
	// Unverified trusts any server. It is for load, not for files.
	Unverified bool
	// ServerName is the name in the server's certificate; by default that of the
	// address.
	ServerName string
	// Certificate and Key are PEM files of the client's own certificate, if it
	// has one.
	Certificate, Key string
	// Notice, if not nil, is told of a server that is met for the first time.
	Notice func(sentence string)
}

// Dial returns a function that connects by dial and then makes the connection a
// TLS one. It reads the files at once; the error is ErrSettings.
func (t TLS) Dial(dial DialFunc) (DialFunc, error) {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	config, err := t.config()
	if err != nil {
		return nil, &Error{Problem: ErrSettings, Cause: err}
	}
	var meeting sync.Mutex // several connections meet a server once
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		plain, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		conn, err := t.handshake(ctx, plain, config.Clone(), address, &meeting)
		if err != nil {
			plain.Close()
			return nil, explained(err)
		}
		return conn, nil
	}, nil
}

func (t TLS) config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{TLSProtocol}, InsecureSkipVerify: t.Unverified}
	if t.CA != "" {
		text, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s: no certificate in PEM is there", t.CA)
		}
	}
	if (t.Certificate == "") != (t.Key == "") {
		return nil, errors.New("a client certificate needs its key, and a key its certificate")
	}
	if t.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
		if err != nil {
			return nil, fmt.Errorf("the client certificate in %s and the key in %s: %w", t.Certificate, t.Key, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func (t TLS) handshake(ctx context.Context, plain net.Conn, config *tls.Config, address string, meeting *sync.Mutex) (net.Conn, error) {
	config.ServerName = t.ServerName
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	if t.KnownHosts != "" {
		config.InsecureSkipVerify = true // the key is compared instead
		config.VerifyConnection = func(state tls.ConnectionState) error {
			meeting.Lock()
			defer meeting.Unlock()
			return t.recognize(address, state)
		}
	}
	conn := tls.Client(plain, config)
	return conn, conn.HandshakeContext(ctx)
}

// recognize compares the server's key with the one that is known, and remembers
// that of a server that is not.
func (t TLS) recognize(address string, state tls.ConnectionState) error {
	sum := sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo)
	shown := hex.EncodeToString(sum[:])
	known, err := readKnownHosts(t.KnownHosts)
	if err != nil {
		return &Error{Problem: ErrSettings, Cause: err}
	}
	switch known.key(address) {
	case shown:
		return nil
	case "":
		if err := known.remember(address, shown); err != nil {
			return &Error{Problem: ErrSettings, Cause: err}
		}
		if t.Notice != nil {
			t.Notice(fmt.Sprintf("%s is met for the first time. Its key, SHA-256 %s, is remembered in %s.", address, shown, t.KnownHosts))
		}
		return nil
	}
	return &Error{Problem: ErrServerChanged, Detail: fmt.Sprintf(
		"%s shows a key with the SHA-256 %s, and %s has %s", address, shown, t.KnownHosts, known.key(address))}
}

// explained names the problem of a handshake that failed.
func explained(err error) error {
	if _, ours := errors.AsType[*Error](err); ours {
		return err
	}
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return &Error{Problem: ErrUntrusted, Cause: err}
	}
	if _, noTLS := errors.AsType[tls.RecordHeaderError](err); noTLS {
		return &Error{Problem: ErrNoTLS, Cause: err}
	}
	if _, refused := errors.AsType[tls.AlertError](err); refused || isAlert(err) {
		return &Error{Problem: ErrTLS, Cause: err}
	}
	return err
}

// wantsTLS reports whether a server's first bytes are an alert of TLS (RFC 8446,
// section 5.1): a server that got no ClientHello.
func wantsTLS(first []byte) bool {
	const alert = 21
	return len(first) >= 3 && first[0] == alert && first[1] == 3 && first[2] <= 4
}

// isAlert reports whether the server has ended TLS by an alert.
func isAlert(err error) bool {
	operation, ok := errors.AsType[*net.OpError](err)
	return ok && operation.Op == "remote error"
}
