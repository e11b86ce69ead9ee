package main

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
)

// An allowlist says which names may register. Its names may be read anew while
// it is asked.
type allowlist struct {
	registration config.Registration
	names        atomic.Pointer[map[string]bool]
}

func openAllowlist(cfg *config.Config) (*allowlist, error) {
	a := &allowlist{registration: cfg.Registration}
	return a, a.reload(cfg)
}

// reload reads the names again. Whether there is a list at all stays as it was
// at the start.
func (a *allowlist) reload(cfg *config.Config) error {
	if a.registration != config.RegistrationAllowlist {
		return nil
	}
	text, err := os.ReadFile(cfg.RegistrationFile)
	if err != nil {
		return fmt.Errorf("registration_file: %w", err)
	}
	names := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		if name := strings.TrimRight(line, "\r\n"); name != "" && name[0] != '#' {
			names[name] = true
		}
	}
	a.names.Store(&names)
	return nil
}

// mayRegister returns why a name may not register.
func (a *allowlist) mayRegister(name string) logging.Reason {
	switch a.registration {
	case config.RegistrationClosed:
		return logging.RegistrationClosed
	case config.RegistrationAllowlist:
		if !(*a.names.Load())[name] {
			return logging.NameNotAllowed
		}
	}
	return ""
}
