package confine

import "errors"

// Needs is what a process goes on needing.
type Needs struct {
	Write   []string // folders whose files are made, changed and removed; they must exist
	Read    []string // folders and files that are read; what is missing is passed over
	Bind    []uint16 // TCP ports that may still be listened on
	Connect bool     // it connects to others by TCP
	Execute bool     // it starts other programs, which need more than can be named: files and ports stay open
}

// ErrUnsupported says that the system has no Landlock.
var ErrUnsupported = errors.New("the kernel has no Landlock")

// ErrPrograms says why a process that starts programs keeps its access to files
// and ports.
var ErrPrograms = errors.New("programs are started, which would inherit it")
