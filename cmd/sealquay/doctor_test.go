package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealquay/sealquay/internal/doctor"
)

// TestDoctorLooksAtWhatIsConfigured has a server with TLS alone, a key that all
// may read, and a hook that is not there.
func TestDoctorLooksAtWhatIsConfigured(t *testing.T) {
	folder := makeCertificate(t, t.TempDir())
	key := filepath.Join(folder, "key.pem")
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"REQUIRE_TLS": "true", "TLS_CERTIFICATE": filepath.Join(folder, "certificate.pem"), "TLS_KEY": key,
		"HOOKS_COMMAND": "/no/such/program", "DATA_DIR": t.TempDir(), "SERVER_IP_ADDRESS": "127.0.0.1",
	} {
		t.Setenv("SEALQUAY_"+name, value)
	}
	var out, complaint bytes.Buffer
	if status := run([]string{"doctor", "--json", "--port", freePort(t)}, console{nil, &out, &complaint}); status != 1 {
		t.Errorf("status %d: %s", status, complaint.String())
	}
	var answer struct {
		Well     bool
		Findings []doctor.Finding
	}
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil || answer.Well {
		t.Fatalf("%v: %s", err, out.String())
	}
	seen := map[string][]doctor.Status{}
	for _, f := range answer.Findings {
		seen[f.Check] = append(seen[f.Check], f.Status)
	}
	for check, want := range map[string]doctor.Status{
		"certificate": doctor.Good, "secret": doctor.Hint, "hooks": doctor.Wrong, "confinement": doctor.Hint, "port": doctor.Good,
	} {
		if got := seen[check]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %v, want %s once", check, got, want)
		}
	}
}

// TestDoctorBesideAServer finds it at its ports, with and without TLS.
func TestDoctorBesideAServer(t *testing.T) {
	folder := makeCertificate(t, t.TempDir())
	s := startTestServer(t, withTLS(folder))
	t.Setenv("SEALQUAY_SERVER_IP_ADDRESS", "127.0.0.1")
	t.Setenv("SEALQUAY_TLS_CERTIFICATE", filepath.Join(folder, "certificate.pem"))
	t.Setenv("SEALQUAY_TLS_KEY", filepath.Join(folder, "key.pem"))
	t.Setenv("SEALQUAY_TLS_PORT", fmt.Sprint(s.TLSAddr().Port()))
	var out bytes.Buffer
	if status := run([]string{"doctor", "--port", fmt.Sprint(s.Addr().Port()), "--data-dir", t.TempDir()}, console{nil, &out, &out}); status != 0 || strings.Count(out.String(), "sealquay server") != 2 {
		t.Errorf("status %d\n%s", status, out.String())
	}
}

// freePort returns a port that nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}
