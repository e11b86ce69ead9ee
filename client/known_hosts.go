package client

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"strings"
)

// KnownHostsName is the usual name of the file of known servers, beside me.info.
const KnownHostsName = "known_hosts"

// A knownHosts is a file with a line for each server: its address as it was
// dialled, a space, and the SHA-256 of its public key (SubjectPublicKeyInfo) as
// 64 hexadecimal digits. A certificate that is renewed with the same key stays
// known. Lines that begin with # are passed over.
type knownHosts struct {
	path  string
	lines []string
}

// readKnownHosts reads the file; one that is not there knows nobody.
func readKnownHosts(path string) (*knownHosts, error) {
	text, err := readSettings(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	h := &knownHosts{path: path}
	if len(text) == 0 {
		return h, nil
	}
	h.lines = splitLines(string(text))
	for i, text := range h.lines {
		if !validKnownHost(text) {
			_, found := line(h.lines, i+1)
			return nil, &SyntaxError{File: path, Line: i + 1, Found: found, Want: "HOST:PORT, a space and 64 hexadecimal digits"}
		}
	}
	return h, nil
}

func validKnownHost(text string) bool {
	if text == "" || strings.HasPrefix(text, "#") {
		return true
	}
	address, key, _ := strings.Cut(text, " ")
	sum, err := hex.DecodeString(key)
	return address != "" && err == nil && len(sum) == 32
}

// key returns the key of a server, or nothing.
func (h *knownHosts) key(address string) string {
	for _, text := range h.lines {
		if key, found := strings.CutPrefix(text, address+" "); found {
			return strings.ToLower(key)
		}
	}
	return ""
}

// remember adds a server to the file.
func (h *knownHosts) remember(address, key string) error {
	h.lines = append(h.lines, address+" "+key)
	return writeAtomically(h.path, []byte(strings.Join(h.lines, "\n")+"\n"))
}
