package config

import (
	"errors"
	"io"
	"os"
)

// maxFileSize bounds config.json, in bytes.
const maxFileSize = 64 << 10

var errTooLarge = errors.New("file too large")

// readLimited reads a file of at most limit bytes, and no more than one byte beyond.
func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return data[:limit], errTooLarge
	}
	return data, nil
}
