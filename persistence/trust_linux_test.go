package persistence

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealquay/sealquay/internal/certificate"
	"github.com/sealquay/sealquay/internal/proof/postgres"
	"github.com/sealquay/sealquay/internal/proof/s3server"
)

// identified is a certificate for names, in PEM and as a file that whoever
// trusts it names.
type identified struct {
	certificate, key []byte
	file             string
}

func identify(t *testing.T, names ...string) (i identified) {
	t.Helper()
	var err error
	i.certificate, i.key, err = certificate.Make(certificate.Request{Names: names, Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	i.file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(i.file, i.certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	return i
}

// memoryDir is a folder that a server's user can reach.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "sealquay-tls-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// skipWithout ends a test whose server could not be started.
func skipWithout(t *testing.T, err, missing error) {
	t.Helper()
	if errors.Is(err, missing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// wantError looks for each of some texts in an error, and for no secret.
func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("it works")
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error does not say %q: %v", text, err)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error holds a password: %v", err)
	}
}

func TestS3OverTLS(t *testing.T) {
	plain := testOptions(t)
	right, wrong := identify(t, "127.0.0.1", "store.example"), identify(t, "another authority")
	starting, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server, err := s3server.StartTLS(starting, memoryDir(t), right.certificate, right.key)
	skipWithout(t, err, s3server.ErrNotInstalled)
	t.Cleanup(server.Kill)
	options := plain
	options.Endpoint, options.Timeout = server.URL(), 10*time.Second

	t.Run("right authority", func(t *testing.T) {
		o := options
		o.CAFile = right.file
		to := openTest(t, Options{DataDir: fastDir(t), S3: &o})
		id := register(t, to, "anna")
		verifyNew(t, to, id, "small", "content")
		verifyNew(t, to, id, "large", string(largeContent()))
		mustAgree(t, to)
	})
	for name, test := range map[string]struct {
		change func(*S3)
		want   []string
	}{
		"no authority":             {func(*S3) {}, []string{"unknown authority", `issued by "CN=127.0.0.1"`, "s3.ca_file"}},
		"wrong authority":          {func(o *S3) { o.CAFile = wrong.file }, []string{"unknown authority", `issued by "CN=127.0.0.1"`, "s3.ca_file"}},
		"no such file":             {func(o *S3) { o.CAFile = "/nowhere/ca.pem" }, []string{"/nowhere/ca.pem", "no such file"}},
		"a file of something else": {func(o *S3) { o.CAFile = os.Args[0] }, []string{os.Args[0], "no PEM certificate"}},
		"another name": {func(o *S3) {
			o.CAFile, o.Endpoint = right.file, strings.Replace(o.Endpoint, "127.0.0.1", "localhost", 1)
		}, []string{"the certificate is for store.example, 127.0.0.1", "s3.endpoint"}},
		"a store without TLS": {func(o *S3) {
			o.CAFile, o.Endpoint = right.file, strings.Replace(plain.Endpoint, "http://", "https://", 1)
		}, []string{"the store speaks no TLS", "http://"}},
		"a store with TLS, asked without": {func(o *S3) { o.Endpoint = strings.Replace(o.Endpoint, "https://", "http://", 1) },
			[]string{"s3.endpoint must begin with https://"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := options
			test.change(&o)
			start := time.Now()
			_, err := newS3(t.Context(), o)
			wantError(t, err, test.want...)
			t.Logf("after %v: %v", time.Since(start), err)
		})
	}
}

func TestPostgresOverTLS(t *testing.T) {
	plain := startPostgres(t)
	right, wrong := identify(t, "127.0.0.1", "rows.example"), identify(t, "another authority")
	starting, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server, err := postgres.StartTLS(starting, memoryDir(t), right.certificate, right.key)
	skipWithout(t, err, postgres.ErrNotInstalled)
	t.Cleanup(server.Kill)
	dsn := func(addr string, parameters ...string) string {
		return "postgres://" + postgres.User + ":secret@" + addr + "/postgres?" + strings.Join(parameters, "&")
	}
	named := func(host string) string {
		_, port, _ := net.SplitHostPort(server.Addr())
		return net.JoinHostPort(host, port)
	}
	file := func(path string) string { return "sslrootcert=" + url.QueryEscape(path) }

	t.Run("right authority", func(t *testing.T) {
		rows, err := openPostgres(t.Context(), Options{Postgres: dsn(server.Addr(), "sslmode=verify-full", file(right.file))})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := rows.close(); err != nil {
				t.Error(err)
			}
		}()
		var encrypted bool
		err = rows.view(t.Context(), func(x tx) error {
			return x.get(&encrypted, `SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`)
		})
		if err != nil || !encrypted {
			t.Errorf("encrypted %v, %v", encrypted, err)
		}
	})
	for name, test := range map[string]struct {
		dsn  string
		want []string
	}{
		"no authority":    {dsn(server.Addr(), "sslmode=verify-full"), []string{"unknown authority", `issued by "CN=127.0.0.1"`, "sslrootcert"}},
		"wrong authority": {dsn(server.Addr(), "sslmode=verify-full", file(wrong.file)), []string{"unknown authority", `issued by "CN=127.0.0.1"`, "sslrootcert"}},
		"another name": {dsn(named("localhost"), "sslmode=verify-full", file(right.file)),
			[]string{"the certificate is for rows.example, 127.0.0.1"}},
		"no such file":             {dsn(server.Addr(), "sslmode=verify-full", file("/nowhere/ca.pem")), []string{"/nowhere/ca.pem", "no such file"}},
		"a file of something else": {dsn(server.Addr(), "sslmode=verify-full", file(os.Args[0])), []string{"sslrootcert", "no PEM certificate"}},
		"a server without TLS":     {dsn(plain.Addr(), "sslmode=verify-full", file(right.file)), []string{"refused TLS", "ssl = on", "sslmode=disable"}},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := openPostgres(t.Context(), Options{Postgres: test.dsn})
			wantError(t, err, test.want...)
			t.Logf("after %v: %v", time.Since(start), err)
		})
	}
}
