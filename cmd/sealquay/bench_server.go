package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
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
	environ, err := os.ReadFile(folder + "environ")
	if err != nil {
		return command, nil
	}
	o := config.Options{File: folder + "cwd/config.json", PortFile: folder + "cwd/port.info", Environ: strings.Split(string(environ), "\x00")}
	if at := slices.Index(command, "--config"); at >= 0 && at+1 < len(command) {
		o.File = folder + "cwd/" + command[at+1]
	}
	cfg, _, err := config.Load(o)
	if err != nil {
		return command, nil
	}
	return command, flatSettings(cfg)
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
