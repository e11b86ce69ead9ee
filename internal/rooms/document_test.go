package rooms

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/ARCHITECTURE.md instead of comparing it")

const (
	architecture = "../../docs/ARCHITECTURE.md"
	tableBegins  = "<!-- The table is made by: go test ./internal/rooms -run TestDocument -update -->\n"
	tableEnds    = "<!-- end of the table -->\n"
)

// TestDocument compares the architecture's table with what is imported.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begins := strings.Cut(string(text), tableBegins)
	_, tail, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table", architecture)
	}
	want := head + tableBegins + table(t) + tableEnds + tail
	if *update {
		if err := os.WriteFile(architecture, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != want {
		t.Errorf("the table in %s is not what is imported; go test ./internal/rooms -run TestDocument -update writes it", architecture)
	}
}

// table has a row for each package: its job, the rooms and the modules that it
// imports itself.
func table(t *testing.T) string {
	t.Helper()
	moduleOf := modules(t)
	var b strings.Builder
	b.WriteString("| room | what it does | knows | from outside |\n| --- | --- | --- | --- |\n")
	for _, p := range list(t, module+"...") {
		var known, outside []string
		for _, imported := range p.Imports {
			if room, ours := strings.CutPrefix(imported, module); ours {
				known = append(known, room)
			} else if m := moduleOf[imported]; m != "" {
				outside = append(outside, m)
			}
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		fmt.Fprintf(&b, "| [%s](../%[1]s) | %s | %s | %s |\n", name, job(p.Doc), cell(known), cell(outside))
	}
	return b.String()
}

// cell lists names in order, each once.
func cell(names []string) string {
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// job is what a package's comment says that it does.
func job(doc string) string {
	doc = regexp.MustCompile(`^(?:Package|Command) \w+ `).ReplaceAllString(doc, "")
	doc = regexp.MustCompile(` \((?:docs/|README|the README|landlock)[^()]*(?:\([^()]*\)[^()]*)*\)`).ReplaceAllString(doc, "") // a reference
	return strings.TrimRight(doc, ".:")
}
