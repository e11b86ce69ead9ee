package config

import (
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The table is sound: defaults lie in their ranges and are written as they are printed, names are unique, and keys of
// a group stand together.
func TestSettings(t *testing.T) {
	variables, groups := map[string]bool{}, []string{}
	for _, s := range settings {
		words := s.split(s.initial)
		if slices.ContainsFunc(words, func(w string) bool { return !s.accepts(w) }) {
			t.Errorf("%s: default %q is not allowed", s.key, s.initial)
		}
		var c Config
		s.set(&c, words)
		if got := s.words(&c); !slices.Equal(got, words) {
			t.Errorf("%s: default %q is printed as %q", s.key, s.initial, got)
		}
		if variables[s.variable()] {
			t.Errorf("%s: variable %s is there twice", s.key, s.variable())
		}
		variables[s.variable()] = true
		if group, _, nested := strings.Cut(s.key, "."); nested && (len(groups) == 0 || groups[len(groups)-1] != group) {
			groups = append(groups, group)
		}
	}
	if len(slices.Compact(slices.Sorted(slices.Values(groups)))) != len(groups) {
		t.Errorf("keys of a group are apart: %v", groups)
	}
}

// Every field of Config belongs to the one key of its name.
func TestFieldsAndKeys(t *testing.T) {
	var c Config
	var check func(prefix string, fields reflect.Value) int
	check = func(prefix string, fields reflect.Value) (count int) {
		for field, value := range fields.Fields() {
			if !field.IsExported() {
				continue
			}
			if value.Kind() == reflect.Struct && value.Type().PkgPath() == reflect.TypeFor[Config]().PkgPath() {
				count += check(strings.ToLower(field.Name), value)
				continue
			}
			count++
			value.Set(sample(value.Type()))
			var changed []string
			for _, s := range settings {
				if !slices.Equal(s.words(&c), s.words(new(Config))) {
					changed = append(changed, strings.NewReplacer("_", "", ".", "").Replace(s.key))
				}
			}
			if want := prefix + strings.ToLower(field.Name); !slices.Equal(changed, []string{want}) {
				t.Errorf("field %s changes %v", field.Name, changed)
			}
			value.SetZero()
		}
		return count
	}
	if n := check("", reflect.ValueOf(&c).Elem()); n != len(settings) {
		t.Errorf("%d fields, %d settings", n, len(settings))
	}
}

// sample is a value that is not zero.
func sample(kind reflect.Type) reflect.Value {
	switch kind {
	case reflect.TypeFor[netip.Addr]():
		return reflect.ValueOf(netip.IPv6Loopback())
	case reflect.TypeFor[netip.AddrPort]():
		return reflect.ValueOf(netip.AddrPortFrom(netip.IPv6Loopback(), 1))
	case reflect.TypeFor[[]string]():
		return reflect.ValueOf([]string{"x"})
	case reflect.TypeFor[[]netip.Prefix]():
		return reflect.ValueOf([]netip.Prefix{{}})
	}
	if kind.Kind() == reflect.Bool {
		return reflect.ValueOf(true)
	}
	if kind.Kind() == reflect.String {
		return reflect.ValueOf("x").Convert(kind)
	}
	return reflect.ValueOf(1).Convert(kind)
}

func TestAddress(t *testing.T) {
	ip := address(nil)
	for text, want := range map[string]bool{
		"127.0.0.1": true, "::": true, "fe80::1%eth0": true, "::ffff:1.2.3.4": true,
		"": false, "127.1": false, "127.0.0.1:80": false, "[::1]": false, "fe80::1%": false, "fe80::1%a b": false,
		"fe80::1%\x00": false, "fe80::1%../x": false, "fe80::1%ä": false,
	} {
		if ip.accepts(text) != want {
			t.Errorf("%q: %v, want %v", text, !want, want)
		}
	}
}

func TestMaxUploadSize(t *testing.T) {
	if MaxUploadSize != 4<<30-289 {
		t.Errorf("MaxUploadSize = %d", MaxUploadSize)
	}
	padded := int64(MaxUploadSize)/16*16 + 16
	if padded+275 > math.MaxUint32 || padded+16+275 <= math.MaxUint32 {
		t.Errorf("padded content of %d bytes", padded)
	}
}

func TestParseSize(t *testing.T) {
	for _, c := range []struct {
		text string
		size int64
		ok   bool
	}{
		{"0", 0, true}, {"1", 1, true}, {"64KiB", 64 << 10, true}, {"256MiB", 256 << 20, true}, {"1GiB", 1 << 30, true},
		{"9223372036854775807", math.MaxInt64, true}, {"8589934591GiB", 8589934591 << 30, true},
		{"8589934592GiB", 0, false}, {"9223372036854775808", 0, false},
		{"", 0, false}, {"KiB", 0, false}, {"-1", 0, false}, {"+1", 0, false}, {"1.5GiB", 0, false}, {"1 KiB", 0, false},
		{"1kib", 0, false}, {"1KB", 0, false}, {"1KiBKiB", 0, false}, {"1_000", 0, false}, {"0x10", 0, false}, {"1e3", 0, false},
	} {
		if size, ok := parseSize(c.text); size != c.size || ok != c.ok {
			t.Errorf("parseSize(%q) = %d, %v, want %d, %v", c.text, size, ok, c.size, c.ok)
		}
	}
}

func TestSizesAndDurationsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(0, math.MaxInt64).Draw(t, "size") >> rapid.IntRange(0, 62).Draw(t, "shift")
		size <<= rapid.SampledFrom([]int{0, 10, 20, 30}).Draw(t, "unit")
		size &= math.MaxInt64
		if got, ok := parseSize(formatSize(size)); !ok || got != size {
			t.Errorf("size %d is written %q and read %d, %v", size, formatSize(size), got, ok)
		}
		unit := rapid.SampledFrom([]time.Duration{1, time.Millisecond, time.Second, time.Minute, time.Hour}).Draw(t, "unit")
		d := unit * time.Duration(rapid.Int64Range(0, 1e5).Draw(t, "count"))
		if got, err := time.ParseDuration(formatDuration(d)); err != nil || got != d {
			t.Errorf("duration %d is written %q and read %d, %v", d, formatDuration(d), got, err)
		}
	})
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Millisecond: "1ms", 10 * time.Second: "10s", 90 * time.Second: "1m30s", 5 * time.Minute: "5m",
		10 * time.Minute: "10m", time.Hour: "1h", 24 * time.Hour: "24h", time.Hour + time.Second: "1h0m1s", 20 * time.Hour: "20h",
	} {
		if got := formatDuration(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}
