package config

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// byteOrderMark is what some editors put before UTF-8.
const byteOrderMark = "\ufeff"

// parse reads config.json's content. It stops at what is not JSON and collects every other problem.
func (l *loader) parse(file string, data []byte) {
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	p := parser{
		loader:  l,
		file:    file,
		data:    data,
		decoder: jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true)),
		seen:    map[string]Source{},
	}
	if err := p.document(); err != nil {
		p.problems = append(p.problems, p.syntaxProblem(err))
	}
}

// parser walks through config.json token by token: only so are all problems and their positions known.
type parser struct {
	*loader
	file    string
	data    []byte
	decoder *jsontext.Decoder
	seen    map[string]Source
}

func (p *parser) document() error {
	if len(bytes.TrimSpace(p.data)) == 0 {
		p.refuse(p.next(), "", "an empty file", objectAllowed)
		return nil
	}
	if p.decoder.PeekKind() != jsontext.KindBeginObject {
		return p.wrongKind("", objectAllowed)
	}
	if err := p.object(""); err != nil {
		return err
	}
	at := p.next()
	_, err := p.decoder.ReadToken()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		p.refuse(at, "", "more after the end of the object", "")
	}
	return err
}

const objectAllowed = "an object, { … }"

// object reads an object whose keys are below prefix.
func (p *parser) object(prefix string) error {
	if _, err := p.decoder.ReadToken(); err != nil {
		return err
	}
	for p.decoder.PeekKind() != jsontext.KindEndObject {
		at := p.next()
		name, err := p.decoder.ReadToken()
		if err != nil {
			return err
		}
		if err := p.member(at, prefix, name.String()); err != nil {
			return err
		}
	}
	_, err := p.decoder.ReadToken()
	return err
}

// member reads the value of one key.
func (p *parser) member(at Source, prefix, name string) error {
	key := prefix + name
	if strings.Contains(name, ".") {
		p.refuse(at, key, "unknown key; a dot stands for an object in an object", "")
		return p.decoder.SkipValue()
	}
	first, again := p.seen[key]
	p.seen[key] = at
	s, known := find(key)
	switch {
	case again:
		p.refuse(at, key, "the key a second time; the first is at "+first.String(), "")
	case key == portKey:
		p.refuse(at, key, "not a key of this file; the port is in "+DefaultPortFile, "")
	case known && s.shape() == shapeList:
		return p.list(s)
	case known:
		return p.scalar(s)
	case isGroup(key):
		if p.decoder.PeekKind() == jsontext.KindBeginObject {
			return p.object(key + ".")
		}
		return p.wrongKind(key, objectAllowed)
	default:
		p.problems = append(p.problems, unknownKey(at, key))
	}
	return p.decoder.SkipValue()
}

// isGroup tells whether settings stand below key.
func isGroup(key string) bool {
	for _, s := range settings {
		if strings.HasPrefix(s.key, key+".") {
			return true
		}
	}
	return false
}

func (p *parser) scalar(s setting) error {
	p.decoder.PeekKind()
	at := p.next()
	word, ok, err := p.word(s)
	if ok {
		p.set(s, []string{word}, at)
	}
	return err
}

func (p *parser) list(s setting) error {
	if p.decoder.PeekKind() != jsontext.KindBeginArray {
		return p.wrongKind(s.key, "an array of "+s.allowed())
	}
	at := p.next()
	if _, err := p.decoder.ReadToken(); err != nil {
		return err
	}
	words := []string{}
	for p.decoder.PeekKind() != jsontext.KindEndArray {
		word, ok, err := p.word(s)
		if err != nil {
			return err
		}
		if ok {
			words = append(words, word)
		}
	}
	p.set(s, words, at)
	_, err := p.decoder.ReadToken()
	return err
}

// word reads a scalar or one element of a list. Not ok means that the problem is noted.
func (p *parser) word(s setting) (word string, ok bool, err error) {
	p.decoder.PeekKind()
	at := p.next()
	value, err := p.decoder.ReadValue()
	if err != nil {
		return "", false, err
	}
	if s.shape().takes(value.Kind()) && s.accepts(text(value)) {
		return text(value), true, nil
	}
	found := describe(value)
	if s.isHidden() {
		found = "a value that is not shown"
	}
	p.refuse(at, s.key, found, s.allowed())
	return "", false, nil
}

// text is a string without its quotes and escapes, and any other value as it is written.
func text(value jsontext.Value) string {
	if value.Kind() != jsontext.KindString {
		return string(value)
	}
	// The decoder has found the string to be valid.
	unquoted, _ := jsontext.AppendUnquote(nil, value)
	return string(unquoted)
}

// describe shows an untrusted value on one line.
func describe(value jsontext.Value) string {
	switch value.Kind() {
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindBeginArray:
		return "an array"
	case jsontext.KindString:
		return quote(text(value))
	default:
		return clean(string(value))
	}
}

// takes tells whether a word of this shape may be written as kind.
func (s shape) takes(kind jsontext.Kind) bool {
	switch kind {
	case jsontext.KindString:
		return s != shapeInteger && s != shapeBoolean
	case jsontext.KindNumber:
		return s == shapeInteger || s == shapeSize
	case jsontext.KindTrue, jsontext.KindFalse:
		return s == shapeBoolean
	default:
		return false
	}
}

// wrongKind notes that the next value is of the wrong type, and skips it.
func (p *parser) wrongKind(key, allowed string) error {
	p.decoder.PeekKind()
	at := p.next()
	value, err := p.decoder.ReadValue()
	if err == nil {
		p.refuse(at, key, describe(value), allowed)
	}
	return err
}

func (p *parser) refuse(at Source, key, found, allowed string) {
	p.problems = append(p.problems,
		Problem{File: at.File, Line: at.Line, Column: at.Column, Key: clean(key), Found: found, Allowed: allowed})
}

func (p *parser) syntaxProblem(err error) Problem {
	offset, reason := p.decoder.InputOffset(), err.Error()
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset, reason = syntax.ByteOffset, syntax.Err.Error()
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		reason = "the file ends in the middle of a value"
	}
	at := p.position(offset)
	return Problem{File: at.File, Line: at.Line, Column: at.Column, Found: "not JSON: " + reason}
}

// next is the position of the next token.
func (p *parser) next() Source {
	offset := p.decoder.InputOffset()
	for offset < int64(len(p.data)) && strings.IndexByte(" \t\r\n:,", p.data[offset]) >= 0 {
		offset++
	}
	return p.position(offset)
}

func (p *parser) position(offset int64) Source {
	before := p.data[:min(offset, int64(len(p.data)))]
	line := bytes.LastIndexByte(before, '\n') + 1
	return Source{
		File:   p.file,
		Line:   bytes.Count(before, []byte("\n")) + 1,
		Column: utf8.RuneCount(before[line:]) + 1,
	}
}
