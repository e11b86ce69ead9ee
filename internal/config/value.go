package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// scalar is a value with one word.
type scalar[T any] struct {
	field  func(*Config) *T
	parse  func(string) (T, bool)
	format func(T) string
	form   shape
	limits string
}

func (s scalar[T]) allowed() string           { return s.limits }
func (s scalar[T]) shape() shape              { return s.form }
func (s scalar[T]) accepts(word string) bool  { _, ok := s.parse(word); return ok }
func (s scalar[T]) words(c *Config) []string  { return []string{s.format(*s.field(c))} }
func (s scalar[T]) set(c *Config, w []string) { *s.field(c), _ = s.parse(w[0]) }

// list is a value with any number of words.
type list[T any] struct {
	field  func(*Config) *[]T
	parse  func(string) (T, bool)
	format func(T) string
	limits string
}

func (l list[T]) allowed() string          { return l.limits }
func (l list[T]) shape() shape             { return shapeList }
func (l list[T]) accepts(word string) bool { _, ok := l.parse(word); return ok }

func (l list[T]) words(c *Config) []string {
	words := []string{}
	for _, v := range *l.field(c) {
		words = append(words, l.format(v))
	}
	return words
}

func (l list[T]) set(c *Config, words []string) {
	var values []T
	for _, w := range words {
		v, _ := l.parse(w)
		values = append(values, v)
	}
	*l.field(c) = values
}

func integer[T ~int | ~uint16](low, high int64, field func(*Config) *T) value {
	return scalar[T]{
		field: field,
		parse: func(s string) (T, bool) {
			n, err := strconv.ParseInt(s, 10, 64)
			return T(n), err == nil && low <= n && n <= high
		},
		format: func(n T) string { return strconv.FormatInt(int64(n), 10) },
		form:   shapeInteger,
		limits: fmt.Sprintf("an integer from %d to %d", low, high),
	}
}

func boolean(field func(*Config) *bool) value {
	return scalar[bool]{
		field:  field,
		parse:  func(s string) (bool, bool) { return s == "true", s == "true" || s == "false" },
		format: strconv.FormatBool,
		form:   shapeBoolean,
		limits: "true or false",
	}
}

func oneOf[T ~string](field func(*Config) *T, choices ...T) value {
	var quoted []string
	for _, c := range choices {
		quoted = append(quoted, strconv.Quote(string(c)))
	}
	return scalar[T]{
		field:  field,
		parse:  func(s string) (T, bool) { return T(s), slices.Contains(choices, T(s)) },
		format: func(c T) string { return string(c) },
		limits: "one of " + strings.Join(quoted, ", "),
	}
}

func path(field func(*Config) *string) value {
	return scalar[string]{
		field: field,
		parse: func(s string) (string, bool) {
			return s, s != "" && !strings.Contains(s, "\x00") && utf8.ValidString(s)
		},
		format: func(s string) string { return s },
		limits: "a path",
	}
}

// hidden is a value that is never shown, however it was given.
type hidden struct{ value }

// secret is a text that nobody must see, or nothing.
func secret(field func(*Config) *string) value {
	return hidden{scalar[string]{
		field:  field,
		parse:  func(s string) (string, bool) { return s, !strings.Contains(s, "\x00") && utf8.ValidString(s) },
		format: func(s string) string { return s },
		limits: "a text",
	}}
}

// isHidden tells whether the value of a setting must not be shown.
func (s setting) isHidden() bool {
	_, yes := s.value.(hidden)
	return yes
}

// line is any text that fits on a line, or nothing.
func line(field func(*Config) *string) value {
	return scalar[string]{
		field: field,
		parse: func(s string) (string, bool) {
			return s, utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
		},
		format: func(s string) string { return s },
		limits: "a text without control characters",
	}
}

// optionalPath is a path, or nothing.
func optionalPath(field func(*Config) *string) value {
	return scalar[string]{
		field:  field,
		parse:  func(s string) (string, bool) { return s, !strings.Contains(s, "\x00") && utf8.ValidString(s) },
		format: func(s string) string { return s },
		limits: "a path, or an empty text",
	}
}

// optionalURL is a URL of HTTP, or nothing.
func optionalURL(field func(*Config) *string) value {
	return scalar[string]{
		field: field,
		parse: func(s string) (string, bool) {
			u, err := url.Parse(s)
			return s, s == "" || err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
		},
		format: func(s string) string { return s },
		limits: "a URL like \"https://host/path\", or an empty text",
	}
}

func duration(low, high time.Duration, field func(*Config) *time.Duration) value {
	return scalar[time.Duration]{
		field: field,
		parse: func(s string) (time.Duration, bool) {
			d, err := time.ParseDuration(s)
			return d, err == nil && low <= d && d <= high
		},
		format: formatDuration,
		limits: fmt.Sprintf("a duration like \"1m30s\", from %s to %s", formatDuration(low), formatDuration(high)),
	}
}

// formatDuration is Duration.String without the units that count nothing: 5m, not 5m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func address(field func(*Config) *netip.Addr) value {
	return scalar[netip.Addr]{
		field: field,
		parse: func(s string) (netip.Addr, bool) {
			a, err := netip.ParseAddr(s)
			return a, err == nil && isInterfaceName(a.Zone())
		},
		format: netip.Addr.String,
		limits: "an IPv4 or IPv6 address",
	}
}

// optionalAddress is an address, or nothing.
func optionalAddress(field func(*Config) *netip.Addr) value {
	return scalar[netip.Addr]{
		field: field,
		parse: func(s string) (netip.Addr, bool) {
			if s == "" {
				return netip.Addr{}, true
			}
			a, err := netip.ParseAddr(s)
			return a, err == nil && isInterfaceName(a.Zone())
		},
		format: func(a netip.Addr) string {
			if !a.IsValid() {
				return ""
			}
			return a.String()
		},
		limits: "an IPv4 or IPv6 address, or an empty text",
	}
}

// isInterfaceName keeps everything out of a zone that no network interface is called; no zone is fine.
func isInterfaceName(zone string) bool {
	return !strings.ContainsFunc(zone, func(r rune) bool { return r <= ' ' || r > '~' || r == '/' || r == '%' })
}

func networks(field func(*Config) *[]netip.Prefix) value {
	return list[netip.Prefix]{
		field: field,
		parse: func(s string) (netip.Prefix, bool) {
			p, err := netip.ParsePrefix(s)
			return p, err == nil && p == p.Masked()
		},
		format: netip.Prefix.String,
		limits: `networks like "10.0.0.0/8" or "fd00::/8", without host bits`,
	}
}

// optionalAddrPort is an address and a port, or nothing.
func optionalAddrPort(field func(*Config) *netip.AddrPort) value {
	return scalar[netip.AddrPort]{
		field: field,
		parse: func(s string) (netip.AddrPort, bool) {
			if s == "" {
				return netip.AddrPort{}, true
			}
			a, err := netip.ParseAddrPort(s)
			return a, err == nil && isInterfaceName(a.Addr().Zone())
		},
		format: func(a netip.AddrPort) string {
			if !a.IsValid() {
				return ""
			}
			return a.String()
		},
		limits: `an address and port like "127.0.0.1:12340" or "[::1]:12340", or an empty text`,
	}
}

func hosts(field func(*Config) *[]string) value {
	return list[string]{
		field:  field,
		parse:  func(s string) (string, bool) { return s, isHostName(s) },
		format: func(s string) string { return s },
		limits: `host names like "quay.example.org", without a port`,
	}
}

// isHostName reports whether s is letters, digits, hyphens and underscores in parts that are separated by dots.
func isHostName(s string) bool {
	for _, part := range strings.Split(s, ".") {
		if part == "" || len(part) > 63 || strings.ContainsFunc(part, func(r rune) bool {
			return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		}) {
			return false
		}
	}
	return len(s) <= 253
}
