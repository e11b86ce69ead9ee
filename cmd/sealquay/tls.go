package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/sealquay/sealquay/internal/certificate"
	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/reactor"
)

// keepCertificate reads the certificate and watches its files. Without TLS it
// returns nil.
func keepCertificate(cfg *config.Config, log *zap.Logger) (*certificate.Keeper, error) {
	if cfg.TLS.Certificate == "" {
		return nil, nil
	}
	audit := logging.NewAudit(log)
	return certificate.Open(certificateFiles(cfg), func(c *x509.Certificate) {
		audit.Log(logging.TLSCertificate, logging.CertificateSubject(c.Subject.String()),
			logging.CertificateFingerprint(sha256.Sum256(c.Raw)),
			logging.KeyFingerprint(sha256.Sum256(c.RawSubjectPublicKeyInfo)),
			logging.ValidUntil(c.NotAfter))
	}, func(err error) { logging.Log(log, logging.TLSReloadFailed, logging.Error(err)) })
}

func certificateFiles(cfg *config.Config) certificate.Files {
	return certificate.Files{
		Certificate: cfg.TLS.Certificate,
		Key:         cfg.TLS.Key,
		ClientCA:    cfg.TLS.ClientCA,
		Require:     cfg.TLS.ClientCertificate == config.ClientCertificateRequired,
	}
}

func (s *server) closeKeeper() {
	if s.keeper != nil {
		s.keeper.Close()
	}
}

// tlsAddr is the field of the address that connections with TLS are accepted at,
// if they are.
func (s *server) tlsAddr() zap.Field {
	if at := s.TLSAddr(); at.IsValid() {
		return logging.TLSAddr(at.String())
	}
	return zap.Skip()
}

// reloadOnHangup has the certificate read again at each SIGHUP, until the
// function that it returns is called.
func reloadOnHangup(k *certificate.Keeper) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		for range signals {
			k.Reload()
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
	}
}

// ports are the listeners of a server. One of them may be nil.
type ports struct{ plain, tls net.Listener }

func (p ports) close() error {
	var errs []error
	for _, l := range []net.Listener{p.plain, p.tls} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// listen opens the ports: for this server alone, or beside the one that it takes
// over from.
func listen(ctx context.Context, cfg *config.Config, beside bool) (p ports, err error) {
	if !cfg.RequireTLS {
		at := netip.AddrPortFrom(cfg.ServerIPAddress, cfg.Port)
		if p.plain, err = listenAt(ctx, at, beside, "--port or port.info", "--ip or server_ip_address in config.json"); err != nil {
			return p, err
		}
	}
	if cfg.TLS.Certificate != "" {
		if p.tls, err = listenAt(ctx, cfg.TLSAddress(), beside, "tls.port", "tls.address"); err != nil {
			return p, errors.Join(err, p.close())
		}
	}
	return p, nil
}

// reactorTLS says how the reactor serves connections with TLS.
func reactorTLS(cfg *config.Config, l net.Listener, k *certificate.Keeper) reactor.TLS {
	if l == nil {
		return reactor.TLS{}
	}
	return reactor.TLS{Listener: l, Config: k.Config, HandshakeTimeout: cfg.TLS.HandshakeTimeout}
}

type tlsCommand struct {
	MakeCertificate makeCertificateCommand `cmd:"" help:"Make a certificate that signs itself, to try TLS with."`
}

type makeCertificateCommand struct {
	Dir   string   `default:"." placeholder:"DIR" help:"Where to write certificate.pem and key.pem (default: the working directory)."`
	Days  int      `default:"365" placeholder:"N" help:"Days for which it is valid (default: ${default})."`
	Names []string `arg:"" optional:"" name:"NAME" help:"Names and addresses that the server is reached by (default: localhost, 127.0.0.1, ::1 and this machine's name)."`
}

// Run makes the two files. It replaces none.
func (m makeCertificateCommand) Run(c console) error {
	if m.Days < 1 || m.Days > 36500 {
		return fmt.Errorf("--days %d: want 1 to 36500", m.Days)
	}
	names := m.Names
	if len(names) == 0 {
		names = []string{"localhost", "127.0.0.1", "::1"}
		if name, err := os.Hostname(); err == nil && name != "localhost" {
			names = append(names, name)
		}
	}
	pair, key, err := certificate.Make(certificate.Request{Names: names, Lifetime: time.Duration(m.Days) * 24 * time.Hour})
	if err != nil {
		return err
	}
	defer clear(key)
	certificatePath, keyPath := filepath.Join(m.Dir, "certificate.pem"), filepath.Join(m.Dir, "key.pem")
	if err := writeNew(keyPath, key, 0o600); err != nil {
		return err
	}
	if err := writeNew(certificatePath, pair, 0o644); err != nil {
		return errors.Join(err, os.Remove(keyPath))
	}
	fmt.Fprintf(c.out, "%s and %s are made.\n\nServer, in config.json:\n  \"tls\": { \"certificate\": %q, \"key\": %q }\nClient, with a copy of the certificate:\n  sealquay send --server HOST:%d --ca %s\n",
		certificatePath, keyPath, certificatePath, keyPath, defaultTLSPort, filepath.Base(certificatePath))
	return nil
}

const defaultTLSPort = 1235

// writeNew writes a file that is not there yet.
func writeNew(path string, content []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already: remove it, or choose another --dir", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
