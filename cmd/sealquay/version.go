package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is the version of a build for a package; the linker sets it. Other
// builds carry the module's version and the commit.
var release string

type versionCommand struct{}

// Run prints the version, and what the program was built with.
func (versionCommand) Run(c console) error {
	_, err := fmt.Fprintf(c.out, "sealquay %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// version returns the release's version, or else the module's, and the commit
// where it is known.
func version() string {
	if release != "" {
		return release
	}
	info, known := debug.ReadBuildInfo()
	if !known {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value
		}
	}
	return v
}
