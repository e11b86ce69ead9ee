package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// The files that are read from the working directory when Options name no others.
const (
	DefaultFile     = "config.json"
	DefaultPortFile = "port.info"
)

// Options say where a configuration comes from.
type Options struct {
	File     string   // config.json to read, which must exist; empty: the one in the working directory, if there is one
	PortFile string   // port.info to read; empty: the one in the working directory
	Environ  []string // the environment, as os.Environ gives it
	Flags    []Flag   // the flags that were given
}

// Flag is a flag that sets a key.
type Flag struct {
	Name  string // as the user wrote it, like --ip
	Key   string // like server_ip_address
	Value string
}

// Load reads a configuration. A flag goes before the environment, that before config.json (for the port: port.info),
// and that before the default. Warnings come with a configuration and with an *Error.
// The error is an *Error when the configuration is wrong, and another one when its file cannot be read.
func Load(o Options) (*Config, []Warning, error) {
	l := loader{config: &Config{sources: map[string]Source{}}}
	for _, s := range settings {
		s.set(l.config, s.split(s.initial))
	}
	if err := l.loadFile(o.File); err != nil {
		return nil, nil, err
	}
	l.loadEnvironment(o.Environ)
	l.loadFlags(o.Flags)
	l.loadPort(o.PortFile)
	if len(l.problems) == 0 {
		l.checkRelations()
	}
	if len(l.problems) > 0 {
		return nil, l.warnings, &Error{l.problems}
	}
	return l.config, l.warnings, nil
}

// loader fills a Config from one source after the other and collects what is wrong.
type loader struct {
	config   *Config
	problems []Problem
	warnings []Warning
}

func (l *loader) loadFile(path string) error {
	named := path != ""
	if !named {
		path = DefaultFile
	}
	data, err := readLimited(path, maxFileSize)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !named:
		return nil
	case errors.Is(err, errTooLarge):
		l.problems = append(l.problems, Problem{File: path, Found: "larger than " + formatSize(maxFileSize)})
		return nil
	case err != nil:
		return fmt.Errorf("read configuration: %w", err)
	}
	l.parse(path, data)
	return nil
}

func (l *loader) loadEnvironment(environ []string) {
	byVariable, names := map[string]setting{}, []string{}
	for _, s := range settings {
		byVariable[s.variable()] = s
		names = append(names, s.variable())
	}
	for _, pair := range environ {
		name, text, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, environmentPrefix) {
			continue
		}
		if s, known := byVariable[name]; known {
			l.setText(s, text, Source{File: Environment, Name: name})
			continue
		}
		l.warnings = append(l.warnings, Warning{File: Environment, Key: clean(name),
			Reason: "unknown variable", Nearest: nearest(name, names)})
	}
}

func (l *loader) loadFlags(flags []Flag) {
	for _, f := range flags {
		source := Source{File: CommandLine, Name: f.Name}
		if s, known := find(f.Key); known {
			l.setText(s, f.Value, source)
			continue
		}
		l.problems = append(l.problems, unknownKey(source, f.Key))
	}
}

func (l *loader) loadPort(path string) {
	if _, given := l.config.sources[portKey]; given {
		return
	}
	if path == "" {
		path = DefaultPortFile
	}
	port, warning := readPort(path)
	if warning != nil {
		l.warnings = append(l.warnings, *warning)
		return
	}
	l.config.Port = port
	l.config.sources[portKey] = Source{File: path, Line: 1, Column: 1}
}

// setText sets s from the one text of a variable or a flag.
func (l *loader) setText(s setting, text string, source Source) {
	words := s.split(text)
	for _, w := range words {
		if !s.accepts(w) {
			l.problems = append(l.problems,
				Problem{File: source.File, Key: source.Name, Found: quote(w), Allowed: s.allowed()})
			return
		}
	}
	l.set(s, words, source)
}

func (l *loader) set(s setting, words []string, source Source) {
	s.set(l.config, words)
	l.config.sources[s.key] = source
}

// unknownKey is the problem of a key that no setting has.
func unknownKey(at Source, key string) Problem {
	var known []string
	for _, s := range settings {
		known = append(known, s.key)
		if group, _, nested := strings.Cut(s.key, "."); nested {
			known = append(known, group)
		}
	}
	return Problem{File: at.File, Line: at.Line, Column: at.Column, Key: clean(key),
		Found: "unknown key", Nearest: nearest(key, known)}
}
