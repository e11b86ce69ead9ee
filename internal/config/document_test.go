package config

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/CONFIGURATION.md instead of comparing it")

// docs/CONFIGURATION.md says what the table of settings says.
func TestDocument(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "CONFIGURATION.md")
	want := document()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the settings say; go test ./internal/config -run TestDocument -update writes it", path)
	}
}

func document() []byte {
	var b bytes.Buffer
	b.WriteString(documentHead)
	b.WriteString("| key | default | allowed | meaning |\n| --- | --- | --- | --- |\n")
	for _, s := range settings {
		initial := s.initial
		if initial == "" {
			initial = "none"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.key, initial, s.allowed(), s.summary)
	}
	b.WriteString(documentTail)
	return b.Bytes()
}

const documentHead = `# Configuration

Made from ` + "`internal/config/settings.go`" + ` by ` + "`go test ./internal/config -run TestDocument -update`" + `.

A value comes from a flag (` + "`--ip`, `--port`, `--data-dir`" + `), else from the environment, else from config.json, else it is
the default. ` + "`sealquay config print`" + ` shows each value and where it comes from; ` + "`sealquay config print --json`" + ` shows a
complete config.json.

`

const documentTail = `
Sizes are written ` + "`\"64KiB\"`, `\"256MiB\"` or `\"1GiB\"`" + `; an integer counts bytes. Durations are written ` + "`\"40ms\"`, `\"10s\"` or `\"1m30s\"`" + `.

## config.json

The file is read from the working directory, where it may be missing, or from the path given by ` + "`--config`" + `, where it may not.
A dot in a key stands for an object:

` + "```json" + `
{
  "server_ip_address": "0.0.0.0",
  "memory_budget": "1GiB",
  "log": { "level": "debug" }
}
` + "```" + `

Unknown keys, keys given twice, wrong types and values out of range are errors. All of them are reported at once:

` + "```" + `
config.json:3:3: memory_budgte: unknown key; did you mean "memory_budget"?
config.json:4:21: log.level: found "loud"; allowed: one of "debug", "info", "warn", "error"
` + "```" + `

## Environment

The variable of a key is ` + "`SEALQUAY_`" + ` and the key in capitals, with an underscore for the dot: ` + "`SEALQUAY_MEMORY_BUDGET`, `SEALQUAY_LOG_LEVEL`" + `.
The networks of ` + "`SEALQUAY_PROXY_PROTOCOL_FROM`" + ` are separated by commas. A wrong value is an error, an unknown variable a warning.
Kubernetes sets ` + "`SEALQUAY_PORT`" + ` to something else for a service named sealquay, unless the pod says ` + "`enableServiceLinks: false`" + `.

## port.info

The port in decimal on the only line. If the file is missing, empty, corrupt or its number out of range, the server warns and takes port 1234.
`

// The examples in the document are what the code does.
func TestDocumentExamples(t *testing.T) {
	_, example, _ := strings.Cut(documentTail, "```json\n")
	example, _, _ = strings.Cut(example, "```")
	t.Chdir(t.TempDir())
	write(t, DefaultFile, example)
	if _, _, err := Load(Options{}); err != nil {
		t.Errorf("example: %v", err)
	}
	wrong := strings.NewReplacer("memory_budget", "memory_budgte", `"debug"`, `"loud"`).Replace(example)
	write(t, DefaultFile, wrong)
	_, _, err := Load(Options{})
	if err == nil || !strings.Contains(documentTail, "```\n"+err.Error()+"\n```") {
		t.Errorf("errors of the example are\n%v", err)
	}
}
