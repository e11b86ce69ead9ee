package deploy

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sealquay/sealquay/codec"
)

var update = flag.Bool("update", false, "write the messages of wireshark/sealquay.lua instead of comparing them")

const dissector = "wireshark/sealquay.lua"

// TestDissectorKnowsTheMessages compares the dissector's tables with the codec's.
func TestDissectorKnowsTheMessages(t *testing.T) {
	text := read(t, dissector)
	part := regexp.MustCompile(`(?s)local REQUESTS = \{.*?-- end of messages\n`)
	want := luaTable("REQUESTS", codec.Requests) + luaTable("RESPONSES", codec.Responses) + "-- end of messages\n"
	if *update {
		if err := os.WriteFile(dissector, []byte(part.ReplaceAllLiteralString(text, want)), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if part.FindString(text) != want {
		t.Errorf("%s does not have the messages of codec; go test ./deploy -run Dissector -update writes them", dissector)
	}
}

func luaTable(name string, messages []codec.Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "local %s = {\n", name)
	for _, m := range messages {
		var fields []string
		for _, f := range m.Fields {
			fields = append(fields, fmt.Sprintf("{%q, %d}", f.Name, f.Bytes))
		}
		fmt.Fprintf(&b, "\t[%d] = {name = %q, fields = {%s}},\n", m.Code, m.Name, strings.Join(fields, ", "))
	}
	b.WriteString("}\n")
	return b.String()
}

// TestDissector has tshark show a session of a real client with a real server
// in each dialect, in segments that cut the messages.
func TestDissector(t *testing.T) {
	binary := filepath.Join(build(t), "sealquay")
	for _, dialect := range []string{"documented", "seed"} {
		t.Run(dialect, func(t *testing.T) {
			folder := t.TempDir()
			file, size := filepath.Join(folder, "notes.txt"), 20_000
			content := bytes.Repeat([]byte("sealquay"), size/8)
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
			server := exec.Command(binary, "serve", "--port", "0", "--data-dir", filepath.Join(folder, "data"))
			server.Dir = folder
			server.Env = append(os.Environ(), "SEALQUAY_ADMIN_ADDRESS=")
			port, end := startServer(t, server)
			tap := newTap(t, "127.0.0.1:"+port)
			output(t, binary, "send", "--dir", folder, "--server", tap.addr(), "--name", "alice", "--dialect", dialect, file)
			end()
			checkSession(t, tshark(t, tap.capture(t)), dialect, content)
		})
	}
}

// checkSession looks at all that a session is made of.
func checkSession(t *testing.T, got shown, dialect string, content []byte) {
	t.Helper()
	if codes := got.all("sealquay.code"); !slices.Equal(codes, strings.Fields("1100 2100 1101 2102 1103 2103 1104 2104")) {
		t.Fatalf("the messages are %q", codes)
	}
	padded := len(content)/16*16 + 16
	for field, want := range map[string]string{
		"sealquay.dialect":      strings.Repeat(dialect+" ", 8),
		"sealquay.name":         "alice alice",
		"sealquay.content_size": fmt.Sprintf("%d %d", padded, padded),
		"sealquay.cksum":        strconv.Itoa(int(crc32.ChecksumIEEE(content))),
	} {
		if values := strings.Join(got.all(field), " "); values != strings.TrimSpace(want) {
			t.Errorf("%s is %q, want %q", field, values, want)
		}
	}
	name := "notes.txt"
	for i, value := range got.all("sealquay.file_name") {
		if want := name + map[bool]string{true: ".enc"}[dialect == "seed" && i < 2]; value != want {
			t.Errorf("file name %d is %q, want %q", i, value, want)
		}
	}
	sum := 0
	for _, part := range got.all("sealquay.content_part") {
		n, err := strconv.Atoi(part)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	if sum != padded || len(got.all("sealquay.content_part")) < 10 {
		t.Errorf("the content has %d bytes in %d parts, want %d", sum, len(got.all("sealquay.content_part")), padded)
	}
	if to, in, times := got.all("sealquay.response_to"), got.all("sealquay.response_in"), got.all("sealquay.time"); len(to) != 4 || len(in) != 4 || len(times) != 4 {
		t.Errorf("responses point to %q, requests to %q, after %q", to, in, times)
	}
	if expert := got.all("_ws.expert.message"); len(expert) > 0 && dialect == "documented" {
		t.Errorf("tshark finds fault: %q", expert)
	}
}

// TestDissectorFindsFault writes sessions that are wrong.
func TestDissectorFindsFault(t *testing.T) {
	id := codec.ClientID{1, 2}
	registration := codec.AppendRequest(nil, codec.Documented, codec.ClientID{}, codec.Registration{Name: []byte("alice")})
	noNul := append(slices.Clone(registration[:23]), bytes.Repeat([]byte("a"), 255)...)
	unknown := slices.Clone(registration[:23])
	unknown[17], unknown[18], unknown[19] = 7, 0, 4
	crooked := codec.AppendRequest(nil, codec.Documented, id, codec.EncryptedFile{ClientID: id, ContentSize: 17, FileName: []byte("f")})
	lost := slices.Clone(crooked)
	lost[19] = 0
	for name, c := range map[string]struct {
		client [][]byte
		server codec.Response
		want   string
		codes  string
	}{
		"unknown code":       {[][]byte{append(unknown, "abcd"...), registration}, codec.RegistrationError{}, "Unknown code", "7 1100 2101"},
		"refusal":            {[][]byte{registration}, codec.RegistrationError{}, "The server refused the request", "1100 2101"},
		"no NUL":             {[][]byte{noNul}, codec.RegistrationError{}, "Name without a terminating zero byte", "1100 2101"},
		"content size":       {[][]byte{crooked, make([]byte, 17), registration}, codec.RegistrationError{}, "Content size that cannot be right", "1103 1100 2101"},
		"framing lost":       {[][]byte{lost, registration}, codec.RegistrationError{}, "Frame boundaries are lost", "1103 2101"},
		"nobody asked":       {[][]byte{registration}, codec.Acknowledged{}, "", "1100 2104"},
		"short registration": {[][]byte{func() []byte { r := slices.Clone(registration[:28]); r[19] = 5; return r }(), registration}, codec.RegistrationError{}, "The server refused", "1100 1100 2101"},
	} {
		t.Run(name, func(t *testing.T) {
			var p pcap
			for _, packet := range c.client {
				p.add(true, packet)
			}
			p.add(false, codec.AppendResponse(nil, codec.Documented, c.server))
			got := tshark(t, p.write(t))
			if codes := strings.Join(got.all("sealquay.code"), " "); codes != c.codes {
				t.Errorf("the messages are %s, want %s", codes, c.codes)
			}
			if said := strings.Join(got.all("_ws.expert.message"), "; "); !strings.Contains(said, c.want) {
				t.Errorf("tshark says %q, want %q", said, c.want)
			}
		})
	}
}

// shown is what tshark shows of a capture, in order.
type shown []map[string][]string

func (s shown) all(field string) (values []string) {
	for _, packet := range s {
		values = append(values, packet[field]...)
	}
	return values
}

var shownFields = []string{"sealquay.code", "sealquay.dialect", "sealquay.name", "sealquay.file_name", "sealquay.content_size", "sealquay.cksum",
	"sealquay.content_part", "sealquay.response_to", "sealquay.response_in", "sealquay.time", "_ws.expert.message"}

// tshark reads a capture twice, as Wireshark does when frames are looked at again.
func tshark(t *testing.T, capture string) (packets shown) {
	t.Helper()
	args := []string{"-2", "-X", "lua_script:" + dissector, "-r", capture, "-Y", "sealquay", "-T", "json"}
	for _, f := range shownFields {
		args = append(args, "-e", f)
	}
	var lines []struct {
		Source struct {
			Layers map[string][]string `json:"layers"`
		} `json:"_source"`
	}
	if err := json.Unmarshal([]byte(output(t, "tshark", args...)), &lines); err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		packets = append(packets, line.Source.Layers)
	}
	return packets
}
