package codec

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The tables of docs/PROTOCOL.md, as the document has them.
type document struct {
	requests, responses []Message
	seedResponses       []Message // those that differ in the seed's dialect
	sizes               map[Code]string
	seedSizes           map[Code]string
	headers             []documentedHeader
}

type documentedHeader struct {
	title  string
	size   int
	fields []Field
}

func TestTablesAreTheDocuments(t *testing.T) {
	d := readDocument(t)
	if !reflect.DeepEqual(d.requests, Requests) {
		t.Errorf("the document's requests are\n%v\nthe code's\n%v", d.requests, Requests)
	}
	if !reflect.DeepEqual(d.responses, Responses) {
		t.Errorf("the document's responses are\n%v\nthe code's\n%v", d.responses, Responses)
	}
}

func TestSizesAreTheDocuments(t *testing.T) {
	d := readDocument(t)
	for code := range 1 << 16 {
		code := Code(code)
		size, known := requestSize(code)
		documented, has := d.sizes[code]
		isRequest := has && find(code).Code < 2000
		text := strconv.Itoa(size)
		if code == CodeEncryptedFile {
			text += " + content size"
		}
		if known != isRequest || known && text != documented {
			t.Errorf("request %d has size %s, known %v; the document says %q", code, text, known, documented)
		}
		checkResponseSize(t, code, Documented, documented, has && !isRequest)
		if seed, differs := d.seedSizes[code]; differs {
			documented = seed
		}
		checkResponseSize(t, code, Seed, documented, has && !isRequest)
	}
	for _, m := range append(append([]Message{}, Requests...), Responses...) {
		if fixed, _, _ := strings.Cut(d.sizes[m.Code], " + "); strconv.Itoa(m.Size()) != fixed {
			t.Errorf("%v: the fields have %d bytes, the document says %q", m.Code, m.Size(), fixed)
		}
	}
	for _, m := range d.seedResponses {
		if strconv.Itoa(m.Size()) != d.seedSizes[m.Code] {
			t.Errorf("%v: the seed's fields have %d bytes, the document says %q", m.Code, m.Size(), d.seedSizes[m.Code])
		}
	}
}

func checkResponseSize(t *testing.T, code Code, d Dialect, documented string, isResponse bool) {
	size, known := responseSize(code, d)
	if known != isResponse || known && strconv.Itoa(size) != documented {
		t.Errorf("response %d in %v has size %d, known %v; the document says %q", code, d, size, known, documented)
	}
}

func TestHeadersAreTheDocuments(t *testing.T) {
	version, code, size := Field{"version", 1}, Field{"code", 2}, Field{"payload size", 4}
	want := []documentedHeader{
		{"Request", RequestHeaderBytes, []Field{fieldClientID, version, code, size}},
		{"Response", responseHeaderBytes, []Field{version, code, size}},
		{"Response", responseHeaderBytes + 1, []Field{version, {"zero", 1}, code, size}},
	}
	if got := readDocument(t).headers; !reflect.DeepEqual(got, want) {
		t.Errorf("the document's headers are\n%v\nwant\n%v", got, want)
	}
	for _, h := range want {
		if sum := (&Message{Fields: h.fields}).Size(); sum != h.size {
			t.Errorf("the %s header of %d bytes has fields of %d", h.title, h.size, sum)
		}
	}
	if got := len(RequestHeader{}.append(nil)); got != RequestHeaderBytes {
		t.Errorf("a request header is written as %d bytes", got)
	}
	for _, d := range []Dialect{Documented, Seed} {
		if got, want := len(responseHeader{}.append(nil, d)), (&ResponseDecoder{dialect: d}).headerBytes(); got != want {
			t.Errorf("a response header in %v is written as %d bytes, read as %d", d, got, want)
		}
	}
}

// TestVectorsNameSections holds the vectors' sections against the document.
func TestVectorsNameSections(t *testing.T) {
	text := readText(t)
	rows := regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(text, -1)
	known := map[string]bool{"2": true}
	for _, row := range rows {
		known["3, row "+row[1]] = true
	}
	section := ""
	for _, m := range regexp.MustCompile(`(?m)^(##|###) (?:(\d)\. )?(.*)$`).FindAllStringSubmatch(text, -1) {
		if m[1] == "##" {
			section = m[2]
		} else {
			known[section+", "+m[3]] = true
		}
	}
	for _, file := range []string{"requests.json", "responses.json"} {
		for _, v := range readVectors(t, file) {
			if !known[v.Section] {
				t.Errorf("%s: the document has no section %q", v.Name, v.Section)
			}
		}
	}
}

var (
	messageRow = regexp.MustCompile(`^\| (\d{4}) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|`)
	headerLine = regexp.MustCompile("^(Request|Response) header, (\\d+) bytes: `(.*)`$")
	wireField  = regexp.MustCompile(`^(.+?) (?:\[(\d+)\]|u(8|16|32))$`)
)

func readText(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "docs", "PROTOCOL.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func readDocument(t *testing.T) document {
	t.Helper()
	d := document{sizes: map[Code]string{}, seedSizes: map[Code]string{}}
	seed, table := false, false
	for line := range strings.Lines(readText(t)) {
		line = strings.TrimSpace(line)
		seed = seed || strings.HasPrefix(line, "## 2.")
		if m := headerLine.FindStringSubmatch(line); m != nil {
			d.headers = append(d.headers, documentedHeader{m[1], number(t, m[2]), readFields(t, m[3])})
		}
		table = strings.HasPrefix(line, "| code |") || table && strings.HasPrefix(line, "|")
		if m := messageRow.FindStringSubmatch(line); table && m != nil {
			d.add(t, Message{Code(number(t, m[1])), m[2], readFields(t, m[3])}, m[4], seed)
		}
	}
	return d
}

func (d *document) add(t *testing.T, m Message, size string, seed bool) {
	t.Helper()
	sizes := d.sizes
	switch {
	case seed:
		sizes, d.seedResponses = d.seedSizes, append(d.seedResponses, m)
	case m.Code < 2000:
		d.requests = append(d.requests, m)
	default:
		d.responses = append(d.responses, m)
	}
	if _, twice := sizes[m.Code]; twice {
		t.Errorf("the document has code %d twice", m.Code)
	}
	sizes[m.Code] = size
}

// readFields reads "client id [16] · content size u32 · content".
func readFields(t *testing.T, text string) (fields []Field) {
	t.Helper()
	if text == "none" {
		return nil
	}
	for _, one := range strings.Split(text, " · ") {
		f := Field{Name: one}
		if m := wireField.FindStringSubmatch(one); m != nil {
			f.Name = m[1]
			f.Bytes = number(t, "0"+m[2]) + number(t, "0"+m[3])/8
		}
		fields = append(fields, f)
	}
	return fields
}

func number(t *testing.T, digits string) int {
	t.Helper()
	n, err := strconv.Atoi(digits)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
