package logs

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// fixture is a log of two runs of a server, with two clients and a refusal each.
const fixture = `{"level":"info","ts":"2026-11-23T10:00:00.000000Z","event":"server.start","msg":"Server starts","version":"1"}
{"level":"debug","ts":"2026-11-23T10:00:01.000000Z","event":"conn.open","msg":"Connection opened","conn_id":1,"client_ip":"192.0.2.1","client_port":4}
{"level":"info","ts":"2026-11-23T10:00:01.100000Z","event":"request.done","msg":"Request done","conn_id":1,"request_id":1,"client_ip":"192.0.2.1","op":"registration","op_code":1100,"status":2100,"bytes_in":0,"queue_wait":0,"duration":0.002,"client_id":"aa000000000000000000000000000000","client_name":"alice"}
{"level":"debug","ts":"2026-11-23T10:00:01.200000Z","event":"conn.open","msg":"Connection opened","conn_id":2,"client_ip":"192.0.2.2","client_port":5}
{"level":"info","ts":"2026-11-23T10:00:01.300000Z","event":"request.done","msg":"Request done","audit":true,"conn_id":2,"request_id":1,"client_ip":"192.0.2.2","op":"registration","op_code":1100,"status":2101,"bytes_in":0,"queue_wait":0,"duration":0.001,"client_name":"alice","reason":"name_taken"}
{"level":"info","ts":"2026-11-23T10:00:02.000000Z","event":"request.done","msg":"Request done","conn_id":1,"request_id":2,"client_ip":"192.0.2.1","op":"encrypted_file","op_code":1103,"status":2103,"bytes_in":1048592,"queue_wait":0.1,"duration":0.5,"client_id":"aa000000000000000000000000000000","file_name":"a","file_size":1048576}
{"level":"info","ts":"2026-11-23T10:00:02.100000Z","event":"conn.close","msg":"Connection closed","conn_id":2,"client_ip":"192.0.2.2","reason":"client_closed","requests":1,"bytes_in":278,"bytes_out":7,"duration":0.9}
{"level":"warn","ts":"2026-11-23T10:00:02.200000Z","event":"limit.hit","msg":"Limit hit","client_ip":"192.0.2.9","reason":"penalized","count":17,"limit":"penalty_max"}
{"level":"error","ts":"2026-11-23T10:00:02.300000Z","event":"storage.fault","msg":"Storage failed","error":"disk"}
{"level":"info","ts":"2026-11-23T10:00:03.000000Z","event":"conn.close","msg":"Connection closed","conn_id":1,"client_ip":"192.0.2.1","reason":"idle_timeout","requests":2,"bytes_in":1048900,"bytes_out":300,"duration":2}
{"level":"info","ts":"2026-11-23T11:00:00.000000Z","event":"server.start","msg":"Server starts","version":"1"}
{"level":"info","ts":"2026-11-23T11:00:01.000000Z","event":"request.done","msg":"Request done","conn_id":1,"request_id":1,"client_ip":"192.0.2.3","op":"registration","op_code":1100,"status":2100,"bytes_in":0,"queue_wait":0,"duration":0.003,"client_id":"bb000000000000000000000000000000","client_name":"bob"}
{"level":"info","ts":"2026-11-23T11:00:02.000000Z","event":"request.done","msg":"Request done","conn_id":1,"request_id":2,"client_ip":"192.0.2.3","op":"encrypted_file","op_code":1103,"status":2103,"bytes_in":16,"queue_wait":0,"duration":0.1,"client_id":"bb000000000000000000000000000000","file_name":"=b","file_size":1}
`

// visit calls see for each line of text that filter chooses.
func visit(t *testing.T, text string, filter *Filter, see func(*Line)) {
	t.Helper()
	lines, err := Open(t.Context(), Options{Input: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	for l := lines.Next(); l != nil; l = lines.Next() {
		if filter.Match(l) {
			see(l)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

func at(text string) time.Time {
	when, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return when
}

func TestFilters(t *testing.T) {
	for name, c := range map[string]struct {
		narrow func(*Filter)
		want   []int // lines, from 1
	}{
		"nothing":         {func(f *Filter) {}, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}},
		"level":           {func(f *Filter) { level, _ := LevelOf("warn"); f.Level(level) }, []int{8, 9}},
		"events":          {func(f *Filter) { f.Events("conn.open", "limit.hit") }, []int{2, 4, 8}},
		"op":              {func(f *Filter) { f.Ops("encrypted_file") }, []int{6, 13}},
		"op by number":    {func(f *Filter) { f.Ops("1103") }, []int{6, 13}},
		"status":          {func(f *Filter) { f.Statuses(2101, 2103) }, []int{5, 6, 13}},
		"connection":      {func(f *Filter) { f.Connections(2) }, []int{4, 5, 7}},
		"client by id":    {func(f *Filter) { f.Client("AA000000000000000000000000000000") }, []int{3, 6}},
		"client by name":  {func(f *Filter) { f.Client("alice") }, []int{3, 5, 6}},
		"time":            {func(f *Filter) { f.Since(at("2026-11-23T10:00:02.1Z")); f.Until(at("2026-11-23T10:00:03Z")) }, []int{7, 8, 9}},
		"several at once": {func(f *Filter) { f.Statuses(2103); f.Client("alice") }, []int{6}},
		"none":            {func(f *Filter) { f.Connections(99) }, nil},
	} {
		var f Filter
		c.narrow(&f)
		var got []int
		visit(t, fixture, &f, func(l *Line) { got = append(got, l.Number) })
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: lines %v, want %v", name, got, c.want)
		}
	}
}

func TestTop(t *testing.T) {
	top := NewTop()
	visit(t, fixture, new(Filter), top.Add)
	want := []OpTotal{
		{Op: "registration", Count: 3, Errors: 1, P50: 0.002, P99: 0.003, Max: 0.003, Duration: 0.006},
		{Op: "encrypted_file", Count: 2, BytesIn: 1048608, P50: 0.100031, P99: 0.5, Max: 0.5, Duration: 0.6},
	}
	if got := top.Totals(); !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestSlow(t *testing.T) {
	slow := NewSlow(3)
	visit(t, fixture, new(Filter), slow.Add)
	var got []string
	err := slow.Each(func(l *Line) error { got = append(got, string(l.Text("duration"))); return nil })
	if want := []string{"0.5", "0.1", "0.003"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v %v, want %v", got, err, want)
	}
}

func TestRefusals(t *testing.T) {
	r := NewRefusals()
	visit(t, fixture, new(Filter), r.Add)
	var got []string
	for _, total := range r.Totals() {
		got = append(got, fmt.Sprint(total.Reason, total.Count, total.Clients, total.First.Equal(total.Last), total.Example))
	}
	want := []string{"penalized17 1 trueclient_ip=192.0.2.9", "idle_timeout1 1 trueclient_ip=192.0.2.1", "name_taken1 1 trueclient_name=alice", "storage.fault1 0 trueerror=disk"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// A trace has all lines of a connection, also those from before its client was known, and tells runs apart.
func TestTrace(t *testing.T) {
	for name, c := range map[string]struct {
		trace *Trace
		want  []string
	}{
		"by connection": {TraceConnection(1), []string{
			"1 192.0.2.1 alice idle_timeout 2/0: conn.open request.done request.done conn.close",
			"1 192.0.2.3 bob  2/0: request.done request.done",
		}},
		"by name": {TraceClient("alice"), []string{
			"1 192.0.2.1 alice idle_timeout 2/0: conn.open request.done request.done conn.close",
			"2 192.0.2.2 alice client_closed 1/1: conn.open request.done conn.close",
		}},
		"by id": {TraceClient("bb000000000000000000000000000000"), []string{
			"1 192.0.2.3 bob  2/0: request.done request.done",
		}},
		"nobody": {TraceClient("nobody"), nil},
	} {
		visit(t, fixture, new(Filter), c.trace.Add)
		var got []string
		for _, v := range c.trace.Conversations() {
			events := ""
			_ = v.Each(func(l *Line) error { events += " " + string(l.Text("event")); return nil }) // it does not fail
			got = append(got, fmt.Sprintf("%d %s %s %s %d/%d:%s", v.ConnID, v.ClientIP, v.ClientName, v.Reason, v.Requests, v.Refused, events))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// Lines of connections that ended without being wanted are not kept.
func TestTraceForgets(t *testing.T) {
	trace := TraceClient("nobody")
	visit(t, fixture, new(Filter), trace.Add)
	if len(trace.open) != 1 { // the last one did not end
		t.Errorf("%d connections are kept", len(trace.open))
	}
}

func TestCheck(t *testing.T) {
	visit(t, fixture, new(Filter), func(l *Line) {
		if problems := Check(l); problems != nil {
			t.Errorf("line %d: %v", l.Number, problems)
		}
	})
	visit(t, string(sample(100_000)), new(Filter), func(l *Line) {
		if problems := Check(l); problems != nil {
			t.Errorf("line %d of the sample: %v", l.Number, problems)
		}
	})
	good := `{"level":"info","ts":"2026-11-23T10:00:00.000000Z","event":"server.ready","msg":"Server is ready","addr":"a"}`
	for change, want := range map[[2]string]string{
		{`{"level"`, `{"level`}:              "not a JSON object",
		{`"a"}`, `"a"}x`}:                    "not a JSON object",
		{`"a"}`, `"a","addr":"b"}`}:          "not a JSON object",
		{`"a"}`, "\"\xff\"}"}:                "not a JSON object",
		{`"a"}`, `7}`}:                       "addr: found 7",
		{`"a"}`, `"a","colour":"red"}`}:      "colour: no such field",
		{`"a"}`, `"a","count":1.5}`}:         "count: found 1.5",
		{`"a"}`, `"a","audit":1}`}:           "audit: found 1",
		{`"a"}`, `"a","reason":"none"}`}:     `reason: "none" is not known`,
		{`"level":"info",`, ``}:              "level: missing",
		{`"info"`, `"warn"`}:                 "level: found warn; expected info",
		{`"info"`, `"loud"`}:                 `level: found "loud"`,
		{`10:00:00.000000Z`, `10:00:00Z`}:    `ts: found "2026-11-23T10:00:00Z"`,
		{`"server.ready"`, `"server.raedy"`}: `event: "server.raedy" is not known`,
		{`"Server is ready"`, `"Server"`}:    `msg: found "Server"; expected "Server is ready"`,
		{`,"addr":"a"`, ``}:                  "addr: missing in server.ready",
		{`"server.ready","msg":"Server is ready"`, `"client.registered","msg":"Client registered"`}: "conn_id: missing in client.registered",
	} {
		problems := Check(lineOf(strings.Replace(good, change[0], change[1], 1)))
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.HasPrefix(p, want) }) {
			t.Errorf("%s: %q, want %s", change, problems, want)
		}
	}
	refused := `"reason":"name_taken"`
	visit(t, strings.ReplaceAll(fixture, `"audit":true,`, ""), new(Filter), func(l *Line) {
		if problems := Check(l); strings.Contains(string(l.Raw), refused) && len(problems) != 1 {
			t.Errorf("a refusal without audit: %v", problems)
		}
	})
}

func TestPrinters(t *testing.T) {
	text := func(out *bytes.Buffer) Printer { return NewText(out, TextOptions{Location: time.UTC}) }
	for name, c := range map[string]struct {
		printer func(*bytes.Buffer) Printer
		lines   []int
		want    string
	}{
		"json": {func(out *bytes.Buffer) Printer { return NewJSON(out) }, []int{9},
			strings.Split(fixture, "\n")[8] + "\n"},
		"text": {text, []int{9, 10, 11},
			"── 2026-11-23 UTC\n" +
				"10:00:02.300           ERROR storage.fault      Storage failed           error=disk\n" +
				"10:00:03.000    +700ms INFO  conn.close         Connection closed        conn_id=1 client_ip=192.0.2.1 reason=idle_timeout requests=2 bytes_in=1048900 bytes_out=300 duration=2s\n" +
				"11:00:00.000   +59m57s INFO  server.start       Server starts            version=1\n"},
		"csv": {func(out *bytes.Buffer) Printer {
			p, err := NewCSV(out, []string{"event", "file_name", "duration"})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}, []int{9, 13}, "event,file_name,duration\nstorage.fault,,\nrequest.done,'=b,0.1\n"},
	} {
		var out bytes.Buffer
		p := c.printer(&out)
		visit(t, fixture, new(Filter), func(l *Line) {
			if slices.Contains(c.lines, l.Number) {
				if err := p.Print(l); err != nil {
					t.Error(err)
				}
			}
		})
		if err := p.Flush(); err != nil || out.String() != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, out.String(), c.want)
		}
	}
}

// Nothing that stands in a file reaches a terminal unescaped.
func TestTextIsHarmless(t *testing.T) {
	var out bytes.Buffer
	p := NewText(&out, TextOptions{Location: time.UTC})
	for _, raw := range []string{"\x1b[2J", `{"level":"info","ts":"2026-11-23T10:00:00.000000Z","event":"\u001b[2J","msg":"\u001b[2J","\u001b[2J":"\u001b[2J"}`, `{"a":"` + "\x9b" + `"}`} {
		if err := p.Print(lineOf(raw)); err != nil {
			t.Fatal(err)
		}
	}
	if bytes.IndexByte(out.Bytes(), 0x1b) >= 0 || bytes.IndexByte(out.Bytes(), 0x9b) >= 0 {
		t.Errorf("got %q", out.String())
	}
}
