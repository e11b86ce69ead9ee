package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// made writes a new certificate with its key into a folder.
func made(t *testing.T, folder, name string) Files {
	t.Helper()
	f := Files{Certificate: filepath.Join(folder, "certificate.pem"), Key: filepath.Join(folder, "key.pem")}
	certificate, key, err := Make(Request{Names: []string{name, "127.0.0.1"}, Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.Certificate, certificate)
	write(t, f.Key, key)
	return f
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestMakeMakesWhatAClientTrusts(t *testing.T) {
	f := made(t, t.TempDir(), "quay.example")
	config, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	if config.MinVersion != tls.VersionTLS13 {
		t.Error("a version before 1.3 is spoken")
	}
	leaf := config.Certificates[0].Leaf
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	for _, name := range []string{"quay.example", "127.0.0.1"} {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if leaf.IsCA {
		t.Error("the certificate may sign others")
	}
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	good, other := made(t, t.TempDir(), "a"), made(t, t.TempDir(), "b")
	empty := filepath.Join(t.TempDir(), "empty")
	write(t, empty, nil)
	for want, f := range map[string]Files{
		"no such file":               {Certificate: "nowhere", Key: good.Key},
		"read the certificate's key": {Certificate: good.Certificate, Key: "nowhere"},
		"does not match":             {Certificate: good.Certificate, Key: other.Key},
		"no certificate in PEM":      {Certificate: good.Certificate, Key: good.Key, ClientCA: empty},
		"failed to find any PEM":     {Certificate: empty, Key: good.Key},
	} {
		if _, err := f.Load(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
	}
}

func TestKeeperTakesANewCertificateAndKeepsTheOldOne(t *testing.T) {
	folder := t.TempDir()
	f := made(t, folder, "first")
	synctest.Test(t, func(t *testing.T) {
		var names []string
		var troubles []error
		k, err := Open(f, func(c *x509.Certificate) { names = append(names, c.Subject.CommonName) },
			func(err error) { troubles = append(troubles, err) })
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		pass := func() { time.Sleep(3 * lookPause); synctest.Wait() }
		pass()
		if len(names) != 1 {
			t.Fatalf("taken without a change: %v", names)
		}
		made(t, folder, "second")
		pass()
		if got := k.Config().Certificates[0].Leaf.Subject.CommonName; got != "second" || len(names) != 2 {
			t.Errorf("in use is %q after a change, taken were %v", got, names)
		}
		write(t, f.Key, []byte("no key"))
		pass()
		if got := k.Config().Certificates[0].Leaf.Subject.CommonName; got != "second" || len(troubles) != 1 {
			t.Errorf("in use is %q after a wrong key, troubles: %v", got, troubles)
		}
		k.Reload()
		synctest.Wait()
		if len(troubles) != 2 {
			t.Errorf("%d troubles after a reload, want 2", len(troubles))
		}
	})
}
