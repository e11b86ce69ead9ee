package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
)

// makeCertificate makes a certificate by the command, and returns its folder.
func makeCertificate(t *testing.T, folder string) string {
	t.Helper()
	var out, complaint bytes.Buffer
	if status := run([]string{"tls", "make-certificate", "--dir", folder}, console{nil, &out, &complaint}); status != 0 {
		t.Fatalf("status %d: %s", status, complaint.String())
	}
	return folder
}

func withTLS(folder string) func(*config.Config) {
	return func(c *config.Config) {
		c.TLS.Certificate, c.TLS.Key = filepath.Join(folder, "certificate.pem"), filepath.Join(folder, "key.pem")
		c.TLS.Port = 0
	}
}

// sendTLS sends a file as a new client.
func sendTLS(t *testing.T, to netip.AddrPort, how client.TLS, dialect codec.Dialect, name string) error {
	t.Helper()
	dial, err := how.Dial(nil)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "file.bin")
	if err := os.WriteFile(path, bytes.Repeat([]byte("quay"), 300_000), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = client.Transfer{Options: client.Options{Server: to.String(), Dial: dial, Dialect: dialect},
		Dir: folder, Name: name, Files: []string{path}}.Send(t.Context())
	return err
}

func TestTLSTransfers(t *testing.T) {
	folder := makeCertificate(t, t.TempDir())
	s := startTestServer(t, withTLS(folder))
	trust := client.TLS{CA: filepath.Join(folder, "certificate.pem")}
	for name, dialect := range map[string]codec.Dialect{"documented": codec.Documented, "seed": codec.Seed} {
		if err := sendTLS(t, s.TLSAddr(), trust, dialect, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, line := range s.log.lines(t, logging.RequestDone) {
		if line["tls"] != true {
			t.Errorf("request.done: %v", line)
		}
	}
}

// A new certificate is for new connections; those that are open go on.
func TestTLSCertificateIsReplaced(t *testing.T) {
	folder := makeCertificate(t, t.TempDir())
	s := startTestServer(t, withTLS(folder))
	dial := func() (*tls.Conn, *x509.Certificate) {
		c, err := tls.Dial("tcp", s.TLSAddr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c, c.ConnectionState().PeerCertificates[0]
	}
	old, first := dial()
	other := makeCertificate(t, t.TempDir())
	for _, name := range []string{"certificate.pem", "key.pem"} {
		if err := os.Rename(filepath.Join(other, name), filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	s.keeper.Reload()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		c, now := dial()
		c.Close()
		if !now.Equal(first) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the new certificate is not shown")
		}
	}
	if _, err := old.Write(codec.AppendRequest(nil, codec.Documented, codec.ClientID{}, codec.Registration{Name: []byte("old")})); err != nil {
		t.Fatal(err)
	}
	_ = old.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := old.Read(make([]byte, 64)); err != nil {
		t.Errorf("the connection from before: %v", err)
	}
}

func TestRequireTLSRefusesPlain(t *testing.T) {
	folder := makeCertificate(t, t.TempDir())
	s := startTestServer(t, withTLS(folder), func(c *config.Config) { c.RequireTLS = true })
	if s.Addr() != s.TLSAddr() {
		t.Errorf("it listens at %v and %v", s.Addr(), s.TLSAddr())
	}
	session, err := client.Dial(t.Context(), client.Options{Server: s.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := session.Register(t.Context(), "plain"); err == nil {
		t.Error("a client without TLS was registered")
	}
	if err := sendTLS(t, s.TLSAddr(), client.TLS{CA: filepath.Join(folder, "certificate.pem")}, codec.Documented, "secure"); err != nil {
		t.Error(err)
	}
}

// OpenSSL as a peer that shares no code with this server.
func TestTLSWithOpenSSL(t *testing.T) {
	folder := makeCertificate(t, t.TempDir())
	s := startTestServer(t, withTLS(folder))
	connect := func(flags ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, "openssl", append([]string{"s_client", "-brief", "-connect", s.TLSAddr().String()}, flags...)...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	trust := []string{"-CAfile", filepath.Join(folder, "certificate.pem"), "-verify_return_error"}
	if out, err := connect(trust...); err != nil || !strings.Contains(out, "TLSv1.3") || !strings.Contains(out, "Verification: OK") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := connect("-alpn", "sealquay"); err != nil {
		t.Errorf("by ALPN: %v\n%s", err, out)
	}
	if out, err := connect("-tls1_2"); err == nil || !strings.Contains(out, "alert protocol version") {
		t.Errorf("TLS 1.2: %v\n%s", err, out)
	}
	foreign := makeCertificate(t, t.TempDir())
	if out, err := connect("-CAfile", filepath.Join(foreign, "certificate.pem"), "-verify_return_error"); err == nil {
		t.Errorf("a foreign CA:\n%s", out)
	}
}

func TestTLSCannotStartWithoutItsKey(t *testing.T) {
	folder := makeCertificate(t, t.TempDir())
	cfg, _, err := config.Load(config.Options{Flags: []config.Flag{{Name: "--data-dir", Key: "data_dir", Value: t.TempDir()}}})
	if err != nil {
		t.Fatal(err)
	}
	withTLS(folder)(cfg)
	cfg.Port, cfg.TLS.Key = 0, filepath.Join(folder, "certificate.pem")
	log, _, flush := logging.New(logging.Options{Writer: new(logBuffer)})
	defer flush()
	s, err := startServer(t.Context(), cfg, log)
	if err == nil {
		_ = s.Stop(t.Context())
		t.Fatal("it started")
	}
	if !strings.Contains(err.Error(), "certificate.pem") {
		t.Errorf("the error is %v", err)
	}
}

// Who comes to the wrong port is told so, both ways.
func TestWrongPort(t *testing.T) {
	s := startTestServer(t, withTLS(makeCertificate(t, t.TempDir())))
	session, err := client.Dial(t.Context(), client.Options{Server: s.TLSAddr().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := session.Register(t.Context(), "plain"); !errors.Is(err, client.ErrWantsTLS) || !strings.Contains(client.Hint(err), "--tls") {
		t.Errorf("without TLS at the port for it: %v", err)
	}
	if err := sendTLS(t, s.Addr(), client.TLS{Unverified: true}, codec.Documented, "secure"); !errors.Is(err, client.ErrNoTLS) {
		t.Errorf("with TLS at the port without: %v", err)
	}
	s.stop(t)
	var reasons []any
	for _, line := range s.log.lines(t, logging.ConnClose) {
		reasons = append(reasons, line["reason"])
	}
	if want := []any{string(logging.PlainAtTLSPort), string(logging.TLSAtPlainPort)}; !slices.Equal(reasons, want) {
		t.Errorf("connections end by %v, want %v", reasons, want)
	}
}
