package logs

import (
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

func lineOf(raw string) *Line {
	l := new(Line)
	l.reset([]byte(raw), "test", 1)
	return l
}

func TestLine(t *testing.T) {
	for _, c := range []struct{ raw, field, want string }{
		{`{"a":"b"}`, "a", "b"},
		{` { "a" : "b" , "c" : 1 } `, "c", "1"},
		{`{"a":"x\"y\\","b":"z"}`, "b", "z"},
		{`{"a":"x\"y\\","b":"z"}`, "a", `x"y\`},
		{`{"a":"\u00e4\/"}`, "a", "ä/"},
		{`{"a":{"b":"}"},"c":[1,{"d":"]"}],"e":true}`, "e", "true"},
		{`{"a":{"b":"}"},"c":1}`, "a", `{"b":"}"}`},
		{`{"a":-1.5e3}`, "a", "-1.5e3"},
		{`{}`, "a", ""},
	} {
		l := lineOf(c.raw)
		if !l.Valid() || string(l.Text(c.field)) != c.want {
			t.Errorf("%s: %s is %q, want %q; valid: %v", c.raw, c.field, l.Text(c.field), c.want, l.Valid())
		}
	}
	for _, raw := range []string{"", "x", "{", `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":"`, `{"a":1}x`, `{"a":1}{}`, `[1]`, `{a:1}`, `{"a":[1`, `{"a":"\`} {
		if lineOf(raw).Valid() {
			t.Errorf("%q is taken for an object", raw)
		}
	}
}

// Every JSON object is read, and a text comes back as it was.
func TestLineReadsAllObjects(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.MapOfN(rapid.StringMatching(`[a-z_]{1,8}`), rapid.String(), 0, 6).Draw(t, "fields")
		raw := []byte{'{'}
		for name, text := range want {
			if len(raw) > 1 {
				raw = append(raw, ',')
			}
			quoted, err := jsontext.AppendQuote(nil, text)
			if err != nil {
				t.Skip("not UTF-8")
			}
			raw = append(append(append(append(raw, '"'), name...), `":`...), quoted...)
		}
		l := lineOf(string(append(raw, '}')))
		for name, text := range want {
			if got := string(l.Text(name)); !l.Valid() || got != text {
				t.Fatalf("%s: %q, want %q", l.Raw, got, text)
			}
		}
	})
}

func FuzzLine(f *testing.F) {
	f.Add([]byte(`{"a":"b\"","c":[1,{"d":"e"}],"ts":"2026-11-23T14:31:52.123456Z"}`))
	f.Add([]byte(`{"a":"\`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := lineOf(string(raw))
		valid := l.Valid()
		l.Time()
		l.Text("a")
		Check(l)
		if strict(raw) == nil && !valid {
			t.Errorf("an object is not read: %q", raw)
		}
	})
}

func TestParseFloatIsStrconvs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`[0-9]{1,18}(\.[0-9]{1,18})?`),
			rapid.Custom(func(t *rapid.T) string {
				return strconv.FormatFloat(rapid.Float64().Draw(t, "f"), 'g', -1, 64)
			}),
		).Draw(t, "text")
		want, err := strconv.ParseFloat(text, 64)
		got, ok := parseFloat([]byte(text))
		if ok != (err == nil) || math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%s: %v, want %v", text, got, want)
		}
	})
}

func TestTime(t *testing.T) {
	want := time.Date(2026, 11, 23, 14, 31, 52, 123456000, time.UTC)
	for _, raw := range []string{
		`{"level":"info","ts":"2026-11-23T14:31:52.123456Z"}`,
		`{"ts":"2026-11-23T15:31:52.123456+01:00"}`,
		`{"msg":"\"ts\":\"2020-01-01T00:00:00.000000Z","ts":"2026-11-23T14:31:52.123456Z"}`,
		`{"event":"a text of more than sixty bytes, so that the time stands far from the beginning","ts":"2026-11-23T14:31:52.123456Z"}`,
	} {
		if at, ok := lineOf(raw).Time(); !ok || !at.Equal(want) {
			t.Errorf("%s: %v %v", raw, at, ok)
		}
	}
	for _, raw := range []string{`{}`, `{"ts":"2026-13-23T14:31:52.123456Z"}`, `{"ts":12}`, `x`} {
		if at, ok := lineOf(raw).Time(); ok {
			t.Errorf("%s: %v", raw, at)
		}
	}
}

func TestCanonicalTimeIsTimeParse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := time.UnixMicro(rapid.Int64Range(0, 4102444800e6).Draw(t, "at")).UTC()
		got, ok := canonicalTime([]byte(want.Format("2006-01-02T15:04:05.000000Z") + `"`))
		if !ok || !got.Equal(want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func TestParseMoment(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 30, 0, 0, time.FixedZone("", 3600))
	for text, want := range map[string]string{
		"-15m":                 "2026-11-23T14:15:00+01:00",
		"15m":                  "2026-11-23T14:15:00+01:00",
		"1h30m":                "2026-11-23T13:00:00+01:00",
		"-2d":                  "2026-11-21T14:30:00+01:00",
		"0.5d":                 "2026-11-23T02:30:00+01:00",
		"2026-11-23T01:02:03Z": "2026-11-23T01:02:03Z",
		"2026-11-23T01:02":     "2026-11-23T01:02:00+01:00",
		"2026-11-23 01:02:03":  "2026-11-23T01:02:03+01:00",
		"2026-11-22":           "2026-11-22T00:00:00+01:00",
		"09:15":                "2026-11-23T09:15:00+01:00",
		"09:15:30":             "2026-11-23T09:15:30+01:00",
	} {
		if at, err := ParseMoment(text, now); err != nil || at.Format(time.RFC3339) != want {
			t.Errorf("%s: %v %v, want %s", text, at, err, want)
		}
	}
	for _, text := range []string{"", "-", "soon", "--15m", "d", "25:00", "2026-13-01"} {
		if at, err := ParseMoment(text, now); err == nil {
			t.Errorf("%q is %v", text, at)
		}
	}
}
