package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// nginxConfig takes HTTPS PUT under TLS 1.3 with AES-128-GCM. It does not sync.
const nginxConfig = `daemon off; pid nginx.pid; error_log stderr; worker_processes auto; user root;
events {}
http {
	access_log off; client_max_body_size 0; client_body_temp_path temp;
	server {
		listen 127.0.0.1:%d ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem;
		ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
		root store; dav_methods PUT;
	}
}
`

func nginx(string) (server, error) {
	binary, err := exec.LookPath("nginx")
	if err != nil {
		return server{}, err
	}
	return server{
		name: "nginx, HTTPS PUT",
		command: func(dir string, port int) (*exec.Cmd, error) {
			if err := nginxDirectory(dir, port); err != nil {
				return nil, err
			}
			absolute, err := filepath.Abs(dir)
			return exec.Command(binary, "-p", absolute, "-c", filepath.Join(absolute, "nginx.conf")), err
		},
		upload: putHTTPS,
	}, nil
}

func nginxDirectory(dir string, port int) error {
	for _, sub := range []string{"temp", "store"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			return err
		}
	}
	if err := writeCertificate(dir); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "nginx.conf"), fmt.Appendf(nil, nginxConfig, port), 0o600)
}

func writeCertificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	err = os.WriteFile(filepath.Join(dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
}

func putHTTPS(ctx context.Context, _, addr string, stream int, size int64) error {
	transport := &http.Transport{
		// The server is this machine's own, with a certificate made a moment ago.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13},
		WriteBufferSize: 256 << 10,
	}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, fmt.Sprintf("https://%s/file-%d", addr, stream), newContent(size).reader())
	if err != nil {
		return err
	}
	r.ContentLength = size
	response, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		return fmt.Errorf("nginx answered %s", response.Status)
	}
	return nil
}
