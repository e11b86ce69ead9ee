package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// units are the units of a size, the largest first.
var units = []struct {
	suffix string
	bytes  int64
}{{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}}

func size(low, high int64, field func(*Config) *int64) value {
	return scalar[int64]{
		field: field,
		parse: func(s string) (int64, bool) {
			n, ok := parseSize(s)
			return n, ok && low <= n && n <= high
		},
		format: formatSize,
		form:   shapeSize,
		limits: fmt.Sprintf("a size like \"64KiB\", from %s to %s", formatSize(low), formatSize(high)),
	}
}

// ParseSize reads a size as config.json has it: "64KiB", "1GiB", or a number of bytes.
func ParseSize(s string) (int64, error) {
	n, ok := parseSize(s)
	if !ok {
		return 0, fmt.Errorf("found %q; allowed: a size like 64KiB, or a number of bytes", s)
	}
	return n, nil
}

// parseSize reads digits and an optional unit; without one they count bytes.
func parseSize(s string) (int64, bool) {
	unit := int64(1)
	for _, u := range units {
		if digits, found := strings.CutSuffix(s, u.suffix); found {
			s, unit = digits, u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/unit {
		return 0, false
	}
	return int64(n) * unit, true
}

// formatSize takes the largest unit that leaves no remainder.
func formatSize(n int64) string {
	for _, u := range units {
		if n != 0 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatInt(n, 10)
}
