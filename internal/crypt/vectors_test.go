package crypt

import (
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"testing"
)

// vector is one paragraph of a file of test vectors: lines "name: value".
type vector map[string]string

// readVectors reads the paragraphs of a file; lines that start with # are comments.
func readVectors(t testing.TB, path string) []vector {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	for paragraph := range strings.SplitSeq(string(text), "\n\n") {
		v := make(vector)
		for line := range strings.Lines(paragraph) {
			name, value, found := strings.Cut(line, ":")
			if found && !strings.HasPrefix(line, "#") {
				v[name] = strings.TrimSpace(value)
			}
		}
		if len(v) > 0 {
			vectors = append(vectors, v)
		}
	}
	if len(vectors) == 0 {
		t.Fatalf("%s holds no vector", path)
	}
	return vectors
}

// bytes decodes a value in hexadecimal.
func (v vector) bytes(t testing.TB, name string) []byte {
	t.Helper()
	value, found := v[name]
	b, err := hex.DecodeString(value)
	if err != nil || !found {
		t.Fatalf("%s: %q: %v", name, value, err)
	}
	return b
}

// number decodes a value in decimal.
func (v vector) number(t testing.TB, name string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(v[name], 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}
