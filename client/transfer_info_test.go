package client

import (
	"errors"
	"strings"
	"testing"
)

func TestTransferInfoIsRead(t *testing.T) {
	tests := []struct {
		name, text string
		want       TransferInfo
	}{
		{"the seed's", "127.0.0.1:8080\nJames Brice\n1KB.txt\n", TransferInfo{"127.0.0.1:8080", "James Brice", "1KB.txt"}},
		{"CRLF, no last end", "127.0.0.1:8080\r\nann\r\nC:\\a b\\c.txt", TransferInfo{"127.0.0.1:8080", "ann", `C:\a b\c.txt`}},
		{"LF, no last end", "127.0.0.1:1\nann\n/a", TransferInfo{"127.0.0.1:1", "ann", "/a"}},
		{"IPv6", "[::1]:1234\nann\na", TransferInfo{"[::1]:1234", "ann", "a"}},
		{"IPv6 with zone", "[fe80::1%eth0]:1234\nann\na", TransferInfo{"[fe80::1%eth0]:1234", "ann", "a"}},
		{"host name", "files.example.org:65535\nann\na", TransferInfo{"files.example.org:65535", "ann", "a"}},
		{"byte order mark", "\uFEFF127.0.0.1:1234\nann\na", TransferInfo{"127.0.0.1:1234", "ann", "a"}},
		{"empty lines at the end", "127.0.0.1:1234\nann\na\n\n \n", TransferInfo{"127.0.0.1:1234", "ann", "a"}},
		{"leading zero of the port", "127.0.0.1:01234\nann\na", TransferInfo{"127.0.0.1:1234", "ann", "a"}},
		{"names beyond ASCII", "127.0.0.1:1234\nЖаннет\nмоя папка/файл", TransferInfo{"127.0.0.1:1234", "Жаннет", "моя папка/файл"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, err := ParseTransferInfo([]byte(test.text)); err != nil || got != test.want {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

func TestTransferInfoSaysWhatIsWrong(t *testing.T) {
	const good = "127.0.0.1:1234\nann\na"
	tests := []struct {
		name, text string
		line       int
		found      string
		kept       TransferInfo
	}{
		{"empty", "", 1, "an empty line", TransferInfo{}},
		{"no port", "127.0.0.1\nann\na", 1, `"127.0.0.1"`, TransferInfo{}},
		{"port 0", "127.0.0.1:0\nann\na", 1, `"127.0.0.1:0"`, TransferInfo{}},
		{"port too large", "127.0.0.1:65536\nann\na", 1, `:65536"`, TransferInfo{}},
		{"port signed", "127.0.0.1:+12\nann\na", 1, `:+12"`, TransferInfo{}},
		{"port no number", "127.0.0.1:http\nann\na", 1, `:http"`, TransferInfo{}},
		{"no host", ":1234\nann\na", 1, `":1234"`, TransferInfo{}},
		{"IPv6 without brackets", "::1:1234\nann\na", 1, `"::1:1234"`, TransferInfo{}},
		{"host with space", "my host:1234\nann\na", 1, `"my host:1234"`, TransferInfo{}},
		{"zone on IPv4", "127.0.0.1%eth0:1234\nann\na", 1, `%eth0:1234"`, TransferInfo{}},
		{"no name", "127.0.0.1:1234", 2, "the end of the file", TransferInfo{Server: "127.0.0.1:1234"}},
		{"name empty", "127.0.0.1:1234\n\na", 2, "an empty line", TransferInfo{Server: "127.0.0.1:1234"}},
		{"name too long", "127.0.0.1:1234\n" + strings.Repeat("n", 255) + "\na", 2, "nnn", TransferInfo{Server: "127.0.0.1:1234"}},
		{"no path", "127.0.0.1:1234\nann\n", 3, "the end of the file", TransferInfo{"127.0.0.1:1234", "ann", ""}},
		{"path with NUL", "127.0.0.1:1234\nann\na\x00b", 3, `"a\x00b"`, TransferInfo{"127.0.0.1:1234", "ann", ""}},
		{"a fourth line", good + "\nb\n", 4, `"b"`, TransferInfo{"127.0.0.1:1234", "ann", "a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseTransferInfo([]byte(test.text))
			wrong, ok := errors.AsType[*SyntaxError](err)
			if !ok {
				t.Fatalf("%+v, error %v", got, err)
			}
			if wrong.Line != test.line || !strings.Contains(wrong.Found, test.found) {
				t.Errorf("%v; want line %d, found %s", wrong, test.line, test.found)
			}
			if got != test.kept {
				t.Errorf("kept %+v, want %+v", got, test.kept)
			}
		})
	}
}

func FuzzTransferInfo(f *testing.F) {
	f.Add([]byte("127.0.0.1:1234\r\nann\r\na.txt\r\n"))
	f.Add([]byte("[fe80::1%eth0]:1\nann\n/a b"))
	f.Add([]byte("\uFEFFhost.example:65535\n\uFEFFann\nC:\\a\n\n"))
	f.Add([]byte("127.0.0.1:0\nann\na"))
	f.Fuzz(func(t *testing.T, text []byte) {
		info, err := ParseTransferInfo(text)
		if err != nil {
			if _, ok := errors.AsType[*SyntaxError](err); !ok {
				t.Fatalf("error of another type: %v", err)
			}
			return
		}
		if again, err := ParseTransferInfo(info.Text()); err != nil || again != info {
			t.Fatalf("%+v became %+v: %v", info, again, err)
		}
	})
}
