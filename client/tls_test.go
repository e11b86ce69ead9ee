package client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// tlsServer ends every connection after its handshake. It returns its address
// and its certificate.
func tlsServer(t *testing.T, at string) (address string, certificate []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "quay"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", at, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { _, _ = io.Copy(io.Discard, c); c.Close() })
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return l.Addr().String(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func dialTLS(t *testing.T, s TLS, address string) error {
	t.Helper()
	dial, err := s.Dial(nil)
	if err != nil {
		return err
	}
	session, err := Dial(t.Context(), Options{Server: address, Dial: dial, Timeout: 20 * time.Second})
	if err == nil {
		session.Close()
	}
	return err
}

func TestTLSVerifies(t *testing.T) {
	address, certificate := tlsServer(t, "127.0.0.1:0")
	_, foreign := tlsServer(t, "127.0.0.1:0")
	folder := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	go func() {
		if c, err := plain.Accept(); err == nil {
			_, _ = c.Write([]byte("\x03\x35\x08\x00\x00\x00\x00"))
			c.Close()
		}
	}()
	right, wrong := file("ca.pem", certificate), file("foreign.pem", foreign)
	for name, c := range map[string]struct {
		tls     TLS
		address string
		want    error
	}{
		"its own certificate":       {TLS{CA: right}, address, nil},
		"the system's":              {TLS{}, address, ErrUntrusted},
		"a foreign one":             {TLS{CA: wrong}, address, ErrUntrusted},
		"another name":              {TLS{CA: right, ServerName: "elsewhere"}, address, ErrUntrusted},
		"a file without any":        {TLS{CA: file("empty", nil)}, address, ErrSettings},
		"a certificate and no key":  {TLS{CA: right, Certificate: right}, address, ErrSettings},
		"a server that has no TLS":  {TLS{CA: right}, plain.Addr().String(), ErrNoTLS},
		"a file of no known server": {TLS{KnownHosts: file("bad", []byte("nonsense\n"))}, address, ErrSettings},
	} {
		if err := dialTLS(t, c.tls, c.address); !errors.Is(err, c.want) {
			t.Errorf("%s: the error is %v, want %v", name, err, c.want)
		}
	}
}

func TestTLSKnowsAServerAgain(t *testing.T) {
	address, _ := tlsServer(t, "127.0.0.1:0")
	other, _ := tlsServer(t, "127.0.0.1:0")
	path := filepath.Join(t.TempDir(), KnownHostsName)
	var notices []string
	s := TLS{KnownHosts: path, Notice: func(n string) { notices = append(notices, n) }}
	for range 2 {
		if err := dialTLS(t, s, address); err != nil {
			t.Fatal(err)
		}
	}
	if err := dialTLS(t, s, other); err != nil {
		t.Fatal(err)
	}
	if len(notices) != 2 || !strings.Contains(notices[0], address) {
		t.Errorf("notices: %q, want one for each server", notices)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if about, err := os.Stat(path); err != nil || about.Mode() != 0o600 {
		t.Errorf("the file's mode is %v, %v", about.Mode(), err)
	}
	lines := splitLines(string(text))
	swapped := address + lines[1][strings.Index(lines[1], " "):] + "\n"
	if err := os.WriteFile(path, []byte(swapped), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dialTLS(t, s, address); !errors.Is(err, ErrServerChanged) || !strings.Contains(err.Error(), path) {
		t.Errorf("another key: %v", err)
	}
	if after, _ := os.ReadFile(path); string(after) != swapped {
		t.Error("the file changed with a server that is not trusted")
	}
}
