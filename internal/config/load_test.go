package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// write makes a file in the working directory, which is the test's own.
func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// load loads a configuration that must be right, without a warning.
func load(t *testing.T, o Options) *Config {
	t.Helper()
	c, warnings, err := Load(o)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("Load: %v, warnings %v", err, warnings)
	}
	return c
}

// The repository's own files give the defaults.
func TestRepositoryFiles(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	got := load(t, Options{})
	t.Chdir(t.TempDir())
	want, _, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	got.sources, want.sources = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got.ServerIPAddress.String() != "127.0.0.1" || got.Port != DefaultPort {
		t.Errorf("address is %s:%d", got.ServerIPAddress, got.Port)
	}
}

// Every key can be set in config.json and in the environment; each source goes before the one after it.
func TestPrecedence(t *testing.T) {
	for _, c := range []struct{ key, file, environment, flag string }{
		{"server_ip_address", `"10.0.0.1"`, "10.0.0.2", "::1"},
		{"data_dir", `"a"`, "b", "c d"},
		{"memory_budget", `16777216`, "32MiB", "64MiB"},
		{"workers", `1`, "2", "3"},
		{"idle_timeout", `"1s"`, "2s", "1h0m3s"},
		{"checksum", `"crc32"`, "cksum", "auto"},
		{"proxy_protocol_from", `["10.0.0.0/8"]`, "10.1.0.0/16,fd00::/8", ""},
		{"log.level", `"debug"`, "warn", "error"},
		{"log.format", `"json"`, "text", "auto"},
	} {
		t.Run(c.key, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, DefaultPortFile, "1234\n")
			file := fmt.Sprintf("{\n%q: %s}", c.key, c.file)
			if group, name, nested := strings.Cut(c.key, "."); nested {
				file = fmt.Sprintf("{%q: {\n%q: %s}}", group, name, c.file)
			}
			write(t, DefaultFile, file)
			variable := "SEALQUAY_" + strings.ToUpper(strings.ReplaceAll(c.key, ".", "_"))
			environ := []string{"PATH=/bin", variable + "=" + c.environment, "SEALQUAY=x"}
			flags := []Flag{{"--flag", c.key, c.flag}}

			s, _ := find(c.key)
			parsed := func(words ...string) string {
				var c Config
				s.set(&c, words)
				return strings.Join(s.words(&c), ",")
			}
			check := func(o Options, want, source string) {
				t.Helper()
				got := load(t, o)
				if words := strings.Join(s.words(got), ","); words != want || got.Source(c.key).String() != source {
					t.Errorf("got %q from %s, want %q from %s", words, got.Source(c.key), want, source)
				}
			}
			check(Options{}, parsed(strings.Trim(c.file, `[]"`)), "config.json:2")
			check(Options{Environ: environ}, parsed(s.split(c.environment)...), "environment "+variable)
			check(Options{Environ: environ, Flags: flags}, parsed(s.split(c.flag)...), "command line --flag")
			if err := os.Remove(DefaultFile); err != nil {
				t.Fatal(err)
			}
			check(Options{}, parsed(s.split(s.initial)...), "default")
		})
	}
}

// The port comes from port.info, unless the environment or a flag gives it; then port.info is not read at all.
func TestPrecedenceOfPort(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, DefaultPortFile, "4000")
	check := func(o Options, port uint16, source string) {
		t.Helper()
		if c := load(t, o); c.Port != port || c.Source("port").String() != source {
			t.Errorf("got %d from %s, want %d from %s", c.Port, c.Source("port"), port, source)
		}
	}
	check(Options{}, 4000, "port.info:1")
	write(t, "other.info", "5000")
	check(Options{PortFile: "other.info"}, 5000, "other.info:1")
	write(t, DefaultPortFile, "rubbish")
	check(Options{Environ: []string{"SEALQUAY_PORT=0"}}, 0, "environment SEALQUAY_PORT")
	check(Options{Environ: []string{"SEALQUAY_PORT=1"}, Flags: []Flag{{"--port", "port", "65535"}}}, 65535, "command line --port")
}

// A config.json that is named must be there and readable; one of the working directory need not exist.
func TestFileThatCannotBeRead(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, DefaultPortFile, "1234")
	load(t, Options{})
	if _, _, err := Load(Options{File: DefaultFile}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), DefaultFile) {
		t.Errorf("missing: %v", err)
	}
	if err := os.Mkdir(DefaultFile, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(Options{}); err == nil {
		t.Error("a directory was taken")
	}
	write(t, "large.json", "{"+strings.Repeat(" ", maxFileSize)+"}")
	_, _, err := Load(Options{File: "large.json"})
	if err == nil || err.Error() != "large.json: larger than 64KiB" {
		t.Errorf("large: %v", err)
	}
}

func TestUnknownVariableIsAWarning(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, DefaultPortFile, "1234")
	_, warnings, err := Load(Options{Environ: []string{"SEALQUAY_LOG_LEVLE=debug", "SEALQUAY_\x1b[31m=1", "sealquay_port=1"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range warnings {
		got = append(got, w.String())
	}
	want := []string{
		`environment: SEALQUAY_LOG_LEVLE: unknown variable; did you mean "SEALQUAY_LOG_LEVEL"?`,
		`environment: "SEALQUAY_\x1b[31m": unknown variable`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
