package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/confine"
	"github.com/sealquay/sealquay/internal/logging"
)

// confineEarly takes from the process what needs no file, before it makes any.
func confineEarly(cfg *config.Config) error {
	if cfg.Confine == config.ConfineOff {
		return nil
	}
	return confine.Process()
}

// confineServer takes from a server that has started what it does not need any
// more. Where that cannot be, it is an error only if the configuration says so.
func (s serveCommand) confineServer(cfg *config.Config, log *zap.Logger) error {
	if cfg.Confine == config.ConfineOff {
		return nil
	}
	inForce, err := confine.Landlock(s.needs(cfg))
	logging.Log(log, logging.ServerConfined, logging.Confined(inForce), logging.Error(err))
	tolerable := errors.Is(err, confine.ErrUnsupported) || errors.Is(err, confine.ErrPrograms)
	if err != nil && (cfg.Confine == config.ConfineRequire || !tolerable) {
		return fmt.Errorf("confine the server: %w; with confine \"off\" it runs without", err)
	}
	return nil
}

// needs is what a server needs from its start to its end.
func (s serveCommand) needs(cfg *config.Config) confine.Needs {
	n := confine.Needs{
		Read:    []string{"/proc", "/sys/fs/cgroup", "/sys/devices/system/cpu", "/dev/null", "/etc/localtime", "/usr/share/zoneinfo"},
		Connect: connects(cfg),
		Execute: cfg.Hooks.Command != "",
	}
	if cfg.Storage.Rows == config.RowsSQLite || cfg.Storage.Content == config.ContentDisk {
		n.Write = append(n.Write, cfg.DataDir)
	}
	if cfg.Log.File != "" {
		n.Write = append(n.Write, filepath.Dir(cfg.Log.File))
	}
	if cfg.Storage.Content == config.ContentS3 {
		n.Write = append(n.Write, cmp.Or(cfg.S3.SpoolDir, os.TempDir()))
	}
	if cfg.Admin.Address.IsValid() {
		n.Bind = append(n.Bind, cfg.Admin.Address.Port())
	}
	for _, path := range []string{cfg.TLS.Certificate, cfg.TLS.Key, cfg.TLS.ClientCA, cfg.Hooks.SecretFile, cfg.Storage.PostgresFile,
		cfg.S3.CredentialsFile, cfg.S3.CAFile, cfg.RegistrationFile, s.configFile(), config.DefaultPortFile} {
		n.Read = append(n.Read, placesOf(path)...)
	}
	if n.Connect {
		n.Read = append(n.Read, "/etc/resolv.conf", "/run/systemd/resolve", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf",
			"/etc/gai.conf", "/etc/ssl", "/etc/pki", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates")
	}
	return n
}

// connects reports whether the server connects to others.
func connects(cfg *config.Config) bool {
	return cfg.Hooks.URL != "" || cfg.Storage.Rows == config.RowsPostgres || cfg.Storage.Content == config.ContentS3
}

// configFile is read again at each SIGHUP.
func (s serveCommand) configFile() string {
	if s.Config != "" {
		return s.Config
	}
	return config.DefaultFile
}

// placesOf returns what must be readable so that a file is found again after
// another one took its place: its folder, and that of what it links to. The
// root itself is too much: there it is the file alone.
func placesOf(path string) (places []string) {
	if path == "" {
		return nil
	}
	paths := []string{path}
	if target, err := filepath.EvalSymlinks(path); err == nil && target != path {
		paths = append(paths, target)
	}
	for _, p := range paths {
		p, err := filepath.Abs(p)
		if err != nil {
			continue
		}
		if folder := filepath.Dir(p); folder != "/" {
			p = folder
		}
		places = append(places, p)
	}
	return places
}
