package config

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"unicode"
)

// parseAlone reads data as the only source.
func parseAlone(data []byte) loader {
	l := loader{config: &Config{sources: map[string]Source{}}}
	for _, s := range settings {
		s.set(l.config, s.split(s.initial))
	}
	l.parse("config.json", data)
	return l
}

// FuzzConfig: what parses is written back to a config.json that gives the same values; what does not has problems
// that lie in the file and fit a line each.
func FuzzConfig(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		first := parseAlone(data)
		for _, p := range first.problems {
			if lines := bytes.Count(data, []byte("\n")) + 1; p.Line < 1 || p.Line > lines || p.Column < 1 || p.Column > len(data)+1 {
				t.Errorf("%+v is not in a file of %d lines", p, lines)
			}
			if strings.ContainsFunc(p.String(), func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsGraphic(r) }) {
				t.Errorf("line is not fit to be shown: %q", p)
			}
		}
		if len(first.problems) > 0 {
			return
		}
		var written bytes.Buffer
		if err := first.config.WriteJSON(&written); err != nil {
			t.Fatal(err)
		}
		second := parseAlone(written.Bytes())
		if len(second.problems) > 0 {
			t.Fatalf("%s\n%v", written.Bytes(), second.problems)
		}
		first.config.sources, second.config.sources = nil, nil
		if !reflect.DeepEqual(first.config, second.config) {
			t.Errorf("%+v is read back as %+v", first.config, second.config)
		}
	})
}

// FuzzPortInfo: there is a port or a reason, and a port is what the digits in the file say.
func FuzzPortInfo(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		port, reason := parsePort(data)
		if reason != "" {
			if port != 0 {
				t.Errorf("port %d and reason %q", port, reason)
			}
			return
		}
		value := 0
		for _, b := range data {
			if '0' <= b && b <= '9' {
				value = value*10 + int(b-'0')
			}
		}
		if value != int(port) {
			t.Errorf("%q gives %d", data, port)
		}
	})
}
