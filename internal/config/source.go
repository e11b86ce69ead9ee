package config

import "strconv"

// Source is where a value comes from. The zero Source is the default.
type Source struct {
	File   string // path of the file, "environment" or "command line"
	Name   string // variable or flag; empty for a file
	Line   int    // line in a file, from 1; 0 without one
	Column int    // column in a file, in characters, from 1
}

// The File of a source that is no file.
const (
	Environment = "environment"
	CommandLine = "command line"
)

// String is "default", "config.json:3", "environment SEALQUAY_PORT" or "command line --port".
func (s Source) String() string {
	switch {
	case s.File == "":
		return "default"
	case s.Line > 0:
		return s.File + ":" + strconv.Itoa(s.Line)
	default:
		return s.File + " " + s.Name
	}
}
