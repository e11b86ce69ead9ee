package config

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// maxPortFileSize bounds port.info, in bytes: a port and generous white space.
const maxPortFileSize = 256

// readPort reads port.info (protocol section 5). A warning says why there is no port in it.
func readPort(path string) (uint16, *Warning) {
	// A named pipe would block the open for ever.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		reason := "not a regular file"
		if info.IsDir() {
			reason = "a directory"
		}
		return 0, portWarning(path, reason, nil)
	}
	data, err := readLimited(path, maxPortFileSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, portWarning(path, "missing", nil)
	case errors.Is(err, errTooLarge):
		return 0, portWarning(path, "too large", data)
	case err != nil:
		return 0, portWarning(path, "unreadable", []byte(err.Error()))
	}
	port, reason := parsePort(data)
	if reason != "" {
		return 0, portWarning(path, reason, data)
	}
	return port, nil
}

func portWarning(path, reason string, found []byte) *Warning {
	w := &Warning{File: path, Key: portKey, Reason: reason, Used: strconv.Itoa(DefaultPort)}
	if len(found) > 0 {
		w.Found = quote(string(found))
	}
	return w
}

// parsePort reads port.info's content. The reason is empty when there is a port.
func parsePort(data []byte) (port uint16, reason string) {
	text := strings.TrimSpace(string(bytes.TrimPrefix(data, []byte(byteOrderMark))))
	if text == "" {
		return 0, "empty"
	}
	if strings.Trim(text, "0123456789") != "" {
		return 0, "not a decimal number on a line of its own"
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, "out of range, 0 to 65535"
	}
	return uint16(n), ""
}
