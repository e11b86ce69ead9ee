package metrics

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table in docs/MONITORING.md instead of comparing it")

const (
	tableBegins = "<!-- The table is made by: go test ./internal/metrics -run TestDocument -update -->\n"
	tableEnds   = "<!-- end of the table -->\n"
)

// docs/MONITORING.md has the table of metrics as families has it.
func TestDocument(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "MONITORING.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begins := strings.Cut(string(text), tableBegins)
	_, tail, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table", path)
	}
	want := []byte(head + tableBegins + table() + tableEnds + tail)
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(text, want) {
		t.Errorf("the table in %s is not what families says; go test ./internal/metrics -run TestDocument -update writes it", path)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n")
	for _, f := range families {
		fmt.Fprintf(&b, "| `%s%s` | %s | %s | %s |\n", namespace, f.name, f.kind, strings.Join(f.labels, ", "), f.help)
	}
	return b.String()
}

// Names follow Prometheus' rules: counters end in _total, and units are base units.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range families {
		if seen[f.name] {
			t.Errorf("%s is there twice", f.name)
		}
		seen[f.name] = true
		if strings.HasSuffix(f.name, "_total") != (f.kind == counter) {
			t.Errorf("%s is a %s", f.name, f.kind)
		}
		if strings.Contains(f.name, "milli") || strings.Contains(f.name, "_kb") || strings.Contains(f.name, "percent") {
			t.Errorf("%s has no base unit", f.name)
		}
		if !strings.HasSuffix(f.help, ".") {
			t.Errorf("the help of %s is no sentence", f.name)
		}
	}
}
