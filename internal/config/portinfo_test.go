package config

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestPortInfo(t *testing.T) {
	const notNumber, outOfRange = "not a decimal number on a line of its own", "out of range, 0 to 65535"
	for _, c := range []struct {
		content string
		port    uint16
		reason  string
		found   string
	}{
		{content: "1234", port: 1234},
		{content: "8080\n", port: 8080},
		{content: "\ufeff 65535\t\r\n\r\n", port: 65535},
		{content: "0", port: 0},
		{content: "00080", port: 80},
		{content: "", reason: "empty"},
		{content: "\ufeff\r\n \n", reason: "empty", found: `"\ufeff\r\n \n"`},
		{content: "65536", reason: outOfRange, found: `"65536"`},
		{content: "99999999999999999999999", reason: outOfRange, found: `"99999999999999999999999"`},
		{content: "-1", reason: notNumber, found: `"-1"`},
		{content: "+80", reason: notNumber, found: `"+80"`},
		{content: "0x50", reason: notNumber, found: `"0x50"`},
		{content: "12 34", reason: notNumber, found: `"12 34"`},
		{content: "1234\n1235\n", reason: notNumber, found: `"1234\n1235\n"`},
		{content: "١٢٣٤", reason: notNumber, found: `"١٢٣٤"`},
		{content: "\x00\xff\x1b[2J\u202e", reason: notNumber, found: `"\x00\xff\x1b[2J\u202e"`},
		{content: "\xff\xfe1\x002\x00", reason: notNumber, found: `"\xff\xfe1\x002\x00"`},
		{content: strings.Repeat("ä", 100), reason: notNumber, found: `"` + strings.Repeat("ä", 32) + `"…`},
		{content: "a" + strings.Repeat("ä", 100), reason: notNumber, found: `"a` + strings.Repeat("ä", 31) + `"…`},
		{content: strings.Repeat(" ", 256) + "1234", reason: "too large", found: `"` + strings.Repeat(" ", 64) + `"…`},
	} {
		t.Run(strconv.Quote(c.content), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "port.info")
			write(t, path, c.content)
			port, warning := readPort(path)
			if c.reason == "" {
				if warning != nil || port != c.port {
					t.Errorf("got %d, %v, want %d", port, warning, c.port)
				}
				return
			}
			want := Warning{File: path, Key: "port", Reason: c.reason, Found: c.found, Used: "1234"}
			if warning == nil || *warning != want {
				t.Errorf("got %+v, want %+v", warning, want)
			}
		})
	}
}

// Whatever stands where port.info should, the server gets port 1234 and a warning, and does not wait.
func TestPortInfoThatIsNoFile(t *testing.T) {
	t.Chdir(t.TempDir())
	check := func(reason string) {
		t.Helper()
		c, warnings, err := Load(Options{})
		if err != nil || c.Port != DefaultPort || c.Source("port") != (Source{}) {
			t.Errorf("%s: %v, port %d from %s", reason, err, c.Port, c.Source("port"))
		}
		if len(warnings) != 1 || warnings[0].String() != "port.info: port: "+reason+"; using 1234" {
			t.Errorf("%s: warnings %v", reason, warnings)
		}
	}
	check("missing")
	if err := os.Mkdir(DefaultPortFile, 0o700); err != nil {
		t.Fatal(err)
	}
	check("a directory")
	if err := os.Remove(DefaultPortFile); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(DefaultPortFile, 0o600); err != nil {
		t.Fatal(err)
	}
	check("not a regular file")
}
