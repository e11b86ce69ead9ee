package logs

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

const uploadLine = `{"level":"warn","ts":"2026-11-23T14:31:52.123456Z","event":"request.done","msg":"Request done","audit":true,` +
	`"conn_id":7,"client_ip":"192.0.2.7","client_name":"Ada \"L\" Lovelace","op":"encrypted_file","op_code":1103,"status":2101,` +
	`"reason":"upload_too_large","bytes_in":2097152,"duration":0.25,"file_name":"a/b.pdf"}`

func TestConditions(t *testing.T) {
	for text, want := range map[string]bool{
		"duration>0.1 and bytes_in>1MiB":   true,
		"duration>0.1 and bytes_in>2MiB":   false,
		"bytes_in>=2MiB":                   true,
		"bytes_in=2097152":                 true,
		"bytes_in>2MB":                     true,
		"duration=250ms":                   true,
		"duration<250ms":                   false,
		"duration<=0.25":                   true,
		"duration!=0.25":                   false,
		"duration > 0.1":                   true,
		"status=2101":                      true,
		"conn_id==7":                       true,
		"conn_id=8":                        false,
		"op=encrypted_file":                true,
		"op!=encrypted_file":               false,
		"op=\"encrypted_file\"":            true,
		"client_ip=192.0.2.7":              true,
		`client_name="Ada \"L\" Lovelace"`: true,
		`client_name~"^Ada"`:               true,
		`client_name!~"^Ada"`:              false,
		`file_name="a/b.pdf"`:              true,
		`file_name!~"^Ada"`:                true,
		"reason":                           true,
		"not reason":                       false,
		"audit":                            true,
		"audit=false":                      false,
		"audit!=true":                      false,
		"queue_wait":                       false,
		"queue_wait<1":                     false,
		"queue_wait!=1":                    false,
		"not queue_wait=1":                 true,
		`value!~"x"`:                       false,
		"level>=warn":                      true,
		"level=warn":                       true,
		"level>warn":                       false,
		"ts>=2026-11-23T14:31:52Z":         true,
		"ts<2026-11-23T15:31:52+01:00":     false,
		"reason=name_taken or reason=upload_too_large":    true,
		"reason=name_taken or status=2100":                false,
		"(status=1 or status=2101) and (op~file)":         true,
		"status=1 and status=2 or status=2101":            true,
		"status=2101 or status=1 and status=2":            true,
		"not (status=1 or status=2101)":                   false,
		"not not status=2101":                             true,
		"event=request.done and not reason=name_taken":    true,
		`client_name>"Ada" and client_name<"Adb"`:         true,
		"op_code=1103 and event~done and level!=error":    true,
		`msg="Request done" and not (not audit or audit)`: false,
	} {
		c, err := ParseCondition(text)
		if text == `value!~"x"` {
			if err == nil {
				t.Errorf("%s: a number is compared with a pattern", text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var f Filter
		f.Where(c)
		if got := f.Match(lineOf(uploadLine)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
		if got := c.match(lineOf(uploadLine)); got != want {
			t.Errorf("%s: %v without looking first, want %v", text, got, want)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                       `column 1: found the end; expected a field, "not" or "("`,
		"duration>":              `column 10: found the end; expected a value for duration`,
		"duration>0.1 and":       `column 17: found the end; expected a field, "not" or "("`,
		"byte_in>1MiB":           `column 1: found "byte_in"; expected a field of a log line; did you mean bytes_in?`,
		"xyzzy>1":                `column 1: found "xyzzy"; expected a field of a log line`,
		"bytes_in>1MyB":          `column 10: found "1MyB"; expected a whole number for bytes_in, like 1500 or 2MiB`,
		"bytes_in>1.5":           `column 10: found "1.5"; expected a whole number for bytes_in, like 1500 or 2MiB`,
		"duration>fast":          `column 10: found "fast"; expected a time for duration, like 0.25 (seconds) or 300ms`,
		"level=loud":             `column 7: found "loud"; expected debug, info, warn or error`,
		"ts>yesterday":           `column 4: found "yesterday"; expected a time for ts, like 2026-11-23T14:30:00Z`,
		"audit>true":             `column 7: found "true"; expected true or false, after = or !=`,
		"reason=name_takn":       `column 8: found "name_takn"; expected a reason, as docs/LOGGING.md lists them; did you mean name_taken?`,
		"event=conn.opne":        `column 7: found "conn.opne"; expected an event, as docs/LOGGING.md lists them; did you mean conn.open?`,
		"(status=1":              `column 10: found the end; expected ")"`,
		"status=1 status=2":      `column 10: found "status"; expected "and", "or" or the end`,
		"status=1)":              `column 9: found ")"; expected "and", "or" or the end`,
		`op="file`:               `column 4: found a text without an end; expected a closing "`,
		"op!x":                   `column 3: found "!"; expected != or !~`,
		"status~21":              `column 7: found "~"; expected =, !=, <, <=, > or >=, for status is no text`,
		`file_name="ä" and op~[`: `column 22: found "["; expected a regular expression (error parsing regexp: missing closing ]: ` + "`[`)",
		"> 1":                    `column 1: found ">"; expected a field, "not" or "("`,
	} {
		_, err := ParseCondition(text)
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		if got, _, _ := bytes.Cut([]byte(err.Error()), []byte("\n")); string(got) != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
	_, err := ParseCondition("ä byte_in")
	if want := "column 1: found \"ä\"; expected a field of a log line\n  ä byte_in\n  ^"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// What a filter looks for before it parses a line never hides a line that matches.
func TestLookingFirstHidesNothing(t *testing.T) {
	texts := []string{"status=2101", "status!=2101", "op=valid_crc", "op!=valid_crc", "op~crc", "reason", "not reason", "audit", "audit=true",
		"level>=warn", "level<warn", "duration>0.1", "bytes_in<=1KiB", "reason=name_taken", `client_name="a\"ä"`, `client_name="alice"`, "conn_id=12"}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(texts).Draw(t, "first")
		for range rapid.IntRange(0, 4).Draw(t, "parts") {
			part := rapid.SampledFrom(texts).Draw(t, "part")
			form := rapid.SampledFrom([]string{"%s and %s", "%s or %s", "not (%s) or %s", "(%s) and not %s"}).Draw(t, "form")
			text = string(bytes.Replace(bytes.Replace([]byte(form), []byte("%s"), []byte(text), 1), []byte("%s"), []byte(part), 1))
		}
		c, err := ParseCondition(text)
		if err != nil {
			t.Fatal(err)
		}
		var f Filter
		f.Where(c)
		raw := `{"level":"` + rapid.SampledFrom([]string{"info", "warn", "error"}).Draw(t, "level") + `"`
		for _, field := range []string{`"status":2101`, `"status":2100`, `"op":"valid_crc"`, `"op":"invalid_crc"`, `"reason":"name_taken"`, `"audit":true`, `"audit":false`,
			`"duration":0.25`, `"bytes_in":12`, `"client_name":"a\"ä"`, `"client_name":"a\"\u00e4"`, `"client_name":"alice"`, `"conn_id":12`, `"conn_id": 12`} {
			if rapid.Bool().Draw(t, field) {
				raw += "," + field
			}
		}
		raw += "}"
		if want, got := c.match(lineOf(raw)), f.Match(lineOf(raw)); got != want {
			t.Fatalf("%s, %s: %v, want %v", text, raw, got, want)
		}
	})
}

func FuzzCondition(f *testing.F) {
	f.Add(`duration>0.1 and (bytes_in>1MiB or not op~"^valid")`)
	f.Add(`"\`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCondition(text)
		if err != nil {
			_ = err.Error()
			return
		}
		c.match(lineOf(uploadLine))
	})
}

func TestNearest(t *testing.T) {
	for text, want := range map[string]string{"durration": "duration", "client": "client_ip", "op_cdoe": "op_code", "zzzzzzzz": ""} {
		if got := nearest(text, fieldNames()); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
