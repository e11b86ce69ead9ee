package config

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestWriteText(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, DefaultPortFile, "4000")
	write(t, DefaultFile, "{\n\"data_dir\": \"a\\nb\",\n\"proxy_protocol_from\": [\"10.0.0.0/8\", \"fd00::/8\"]}")
	c := load(t, Options{Environ: []string{"SEALQUAY_LOG_LEVEL=debug"}, Flags: []Flag{{"--ip", "server_ip_address", "::1"}}})
	var out bytes.Buffer
	if err := c.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"server_ip_address = ::1  (from command line --ip)\n",
		"port = 4000  (from port.info:1)\n",
		`data_dir = "a\nb"  (from config.json:2)` + "\n",
		"idle_timeout = 5m  (default)\n",
		"proxy_protocol_from = 10.0.0.0/8, fd00::/8  (from config.json:3)\n",
		"log.level = debug  (from environment SEALQUAY_LOG_LEVEL)\n",
	} {
		if !strings.Contains("\n"+out.String(), "\n"+want) {
			t.Errorf("no line %q in\n%s", want, out.String())
		}
	}
	if lines := strings.Count(out.String(), "\n"); lines != len(settings) {
		t.Errorf("%d lines, want %d", lines, len(settings))
	}
}

func TestWriteJSONIsAConfiguration(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, DefaultPortFile, "1234")
	write(t, DefaultFile, `{"data_dir": "\u202e\"\\", "proxy_protocol_from": ["fd00::/8"], "max_upload_size": 100, "log": {"format": "text"}}`)
	first := load(t, Options{})
	var out bytes.Buffer
	if err := first.WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	write(t, "written.json", out.String())
	second := load(t, Options{File: "written.json"})
	first.sources, second.sources = nil, nil
	if !reflect.DeepEqual(first, second) {
		t.Errorf("%+v is read back as %+v from\n%s", first, second, out.String())
	}
}

// failing is a writer that takes no more than room bytes.
type failing struct{ room int }

var errNoRoom = errors.New("no room")

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.room {
		return 0, errNoRoom
	}
	f.room -= len(p)
	return len(p), nil
}

func TestWriteErrorsAreReturned(t *testing.T) {
	t.Chdir(t.TempDir())
	c, _, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{0, 100} {
		if err := c.WriteText(&failing{room}); !errors.Is(err, errNoRoom) {
			t.Errorf("WriteText with %d bytes of room: %v", room, err)
		}
		if err := c.WriteJSON(&failing{room}); !errors.Is(err, errNoRoom) {
			t.Errorf("WriteJSON with %d bytes of room: %v", room, err)
		}
	}
}

// TestSecretsAreNotShown: however a secret is given, and whether it is right or wrong.
func TestSecretsAreNotShown(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, given := range map[string]string{
		"text":         `{"storage": {"rows": "postgres", "postgres": "postgres://anna:hunter2@localhost/x", "content": "s3"}, "s3": {"endpoint": "https://s3", "bucket": "b"}}`,
		"wrong kind":   `{"storage": {"postgres": ["hunter2"]}}`,
		"together":     `{"storage": {"postgres": "hunter2", "postgres_file": "dsn"}}`,
		"out of place": `{"storage": {"rows": "sqlite", "postgres": "hunter2"}, "idle_timeout": "never"}`,
	} {
		write(t, DefaultFile, given)
		c, _, err := Load(Options{})
		var out bytes.Buffer
		if err != nil {
			out.WriteString(err.Error())
		} else if err := errors.Join(c.WriteText(&out), c.WriteJSON(&out)); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "hunter2") {
			t.Errorf("%s: %s", name, out.String())
		}
	}
}

func TestStorageThatCannotBeFound(t *testing.T) {
	t.Chdir(t.TempDir())
	for given, want := range map[string]string{
		`{"storage": {"rows": "postgres"}}`:                                "storage.rows",
		`{"storage": {"rows": "postgres", "postgres": "host=a"}}`:          "storage.rows",
		`{"storage": {"content": "s3"}}`:                                   "storage.content",
		`{"storage": {"postgres": "host=a", "postgres_file": "postgres"}}`: "storage.postgres_file",
	} {
		write(t, DefaultFile, given)
		if _, _, err := Load(Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", given, err)
		}
	}
}
