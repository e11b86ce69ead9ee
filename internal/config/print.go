package config

import (
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// WriteText writes one line for each key: its value and where it comes from.
func (c *Config) WriteText(w io.Writer) error {
	for _, s := range settings {
		from := "default"
		if source := c.Source(s.key); source != (Source{}) {
			from = "from " + source.String()
		}
		if _, err := fmt.Fprintf(w, "%s = %s  (%s)\n", s.key, c.text(s.key), from); err != nil {
			return err
		}
	}
	return nil
}

// text is the value of key for people.
func (c *Config) text(key string) string {
	s, _ := find(key)
	words := s.words(c)
	if s.isHidden() && words[0] != "" {
		return "not shown"
	}
	if len(words) > 0 {
		return clean(strings.Join(words, ", "))
	}
	return "none"
}

// WriteJSON writes the configuration as a config.json that gives the same values again. The port is not in it:
// its place is port.info. Nor are secrets.
func (c *Config) WriteJSON(w io.Writer) error {
	e := jsontext.NewEncoder(w, jsontext.Multiline(true), jsontext.WithIndent("  "))
	if err := e.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	open := ""
	for _, s := range settings {
		if s.key == portKey || s.isHidden() {
			continue
		}
		group, name, nested := strings.Cut(s.key, ".")
		if !nested {
			group, name = "", s.key
		}
		if err := switchGroup(e, open, group); err != nil {
			return err
		}
		open = group
		if err := writeMember(e, name, s.shape(), s.words(c)); err != nil {
			return err
		}
	}
	if err := switchGroup(e, open, ""); err != nil {
		return err
	}
	return e.WriteToken(jsontext.EndObject)
}

// switchGroup ends the object of one group of keys and begins that of another; "" is the outermost.
func switchGroup(e *jsontext.Encoder, from, to string) error {
	if from == to {
		return nil
	}
	var tokens []jsontext.Token
	if from != "" {
		tokens = append(tokens, jsontext.EndObject)
	}
	if to != "" {
		tokens = append(tokens, jsontext.String(to), jsontext.BeginObject)
	}
	return writeTokens(e, tokens...)
}

func writeMember(e *jsontext.Encoder, name string, form shape, words []string) error {
	if err := e.WriteToken(jsontext.String(name)); err != nil {
		return err
	}
	switch form {
	case shapeInteger, shapeBoolean:
		return e.WriteValue(jsontext.Value(words[0]))
	case shapeList:
		tokens := []jsontext.Token{jsontext.BeginArray}
		for _, w := range words {
			tokens = append(tokens, jsontext.String(w))
		}
		return writeTokens(e, append(tokens, jsontext.EndArray)...)
	default:
		return e.WriteToken(jsontext.String(words[0]))
	}
}

func writeTokens(e *jsontext.Encoder, tokens ...jsontext.Token) error {
	for _, t := range tokens {
		if err := e.WriteToken(t); err != nil {
			return err
		}
	}
	return nil
}
