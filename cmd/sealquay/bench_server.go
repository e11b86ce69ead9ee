package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sealquay/sealquay/internal/config"
)

// serverConfiguration finds out how the process was started and, if it is
// `sealquay serve`, its settings besides its flags. Nothing is returned of what
// cannot be read.
func serverConfiguration(pid int) (command []string, settings map[string]string) {
	if pid == 0 {
		return nil, nil
	}
	folder := fmt.Sprintf("/proc/%d/", pid)
	line, err := os.ReadFile(folder + "cmdline")
	if err != nil || len(line) == 0 {
		return nil, nil
	}
	command = strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
	if !slices.Contains(command, "serve") {
		return command, nil
	}
	cfg, err := loadFrom(folder, command)
	if err != nil {
		return command, nil
	}
	return command, flatSettings(cfg)
}

// loadFrom reads the configuration that a server read, by its folder in /proc.
func loadFrom(folder string, command []string) (*config.Config, error) {
	environ, err := os.ReadFile(folder + "environ")
	if err != nil {
		return nil, err
	}
	o := config.Options{File: folder + "cwd/" + config.DefaultFile, PortFile: folder + "cwd/" + config.DefaultPortFile,
		Environ: strings.Split(string(environ), "\x00")}
	if at := slices.Index(command, "--config"); at >= 0 && at+1 < len(command) {
		o.File = command[at+1]
		if !filepath.IsAbs(o.File) {
			o.File = folder + "cwd/" + o.File
		}
	} else if _, err := os.Stat(o.File); errors.Is(err, fs.ErrNotExist) {
		if o.File, err = emptyConfig(); err != nil {
			return nil, err
		}
		defer os.Remove(o.File)
	}
	cfg, _, err := config.Load(o)
	return cfg, err
}

// emptyConfig makes a file that sets nothing. Without one, the config.json of
// this process's own working directory would be read.
func emptyConfig() (path string, err error) {
	f, err := os.CreateTemp("", "sealquay-*.json")
	if err != nil {
		return "", err
	}
	_, err = f.WriteString("{}")
	return f.Name(), errors.Join(err, f.Close())
}

// flatSettings returns the settings as config.json writes them, by their keys.
func flatSettings(cfg *config.Config) map[string]string {
	var text bytes.Buffer
	var all map[string]json.RawMessage
	if cfg.WriteJSON(&text) != nil || json.Unmarshal(text.Bytes(), &all) != nil {
		return nil
	}
	flat := make(map[string]string, len(all))
	for key, value := range all {
		flat[key] = string(bytes.ReplaceAll(value, []byte("\n"), nil))
	}
	return flat
}
