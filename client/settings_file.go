package client

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// A SyntaxError is a line of transfer.info or me.info that cannot be used.
type SyntaxError struct {
	File  string // its path, or its usual name
	Line  int    // from 1
	Found string // never key material
	Want  string
}

// Error says where, what was found, and what would be right.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d: found %s; it should be %s", e.File, e.Line, e.Found, e.Want)
}

const largestSettings = 64 << 10 // bytes; real ones have less than 2 KiB

// readSettings reads a small file whole.
func readSettings(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, largestSettings+1))
	if err != nil {
		return nil, err
	}
	if len(text) > largestSettings {
		return nil, fmt.Errorf("%s: it has more than %d bytes", path, largestSettings)
	}
	return text, nil
}

// inFile names the file in a SyntaxError.
func inFile(path string, err error) error {
	if e, ok := errors.AsType[*SyntaxError](err); ok {
		e.File = path
	}
	return err
}

// splitLines splits a text at LF or CRLF. The last line end may be missing.
func splitLines(text string) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return lines
}

// line returns the nth line, from 1, in the form that an error shows it in.
func line(lines []string, n int) (text, found string) {
	if n > len(lines) {
		return "", "the end of the file"
	}
	text = lines[n-1]
	if text == "" {
		return "", "an empty line"
	}
	return text, fmt.Sprintf("%.64q", text)
}

// writeAtomically makes a file of mode 0600 with the given content. At every
// moment, and after a crash, path holds the old content or the new one.
func writeAtomically(path string, content []byte) (err error) {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(content); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes a rename durable.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" { // folders cannot be synced there
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
