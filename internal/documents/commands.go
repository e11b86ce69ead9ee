package documents

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the repository, from the folder of a test two levels below it or, as
// for deploy, one.
func root(t testing.TB) string {
	t.Helper()
	for dir, err := os.Getwd(); ; dir = filepath.Dir(dir) {
		if err != nil || dir == "/" {
			t.Fatalf("the test runs outside of the repository: %v", err)
		}
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir
		}
	}
}

// All returns the paths of all documents.
func All(t testing.TB) []string {
	t.Helper()
	top := root(t)
	found, err := filepath.Glob(filepath.Join(top, "docs", "*.md"))
	if err != nil || len(found) < 10 {
		t.Fatalf("%d documents, %v", len(found), err)
	}
	return append(found, filepath.Join(top, "README.md"), filepath.Join(top, "SECURITY.md"))
}

// shellBlock is a block of commands in a document.
var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// Blocks returns the blocks of commands in a text, in order.
func Blocks(text string) (all []string) {
	for _, block := range shellBlock.FindAllStringSubmatch(text, -1) {
		all = append(all, block[1])
	}
	return all
}

// A Change is how a test's way differs from the document's.
type Change struct {
	Shown string // in the document
	Run   string // in its place
	Why   string
}

// Commands returns the blocks of commands in a document, changed, and without
// what is excused. A change that changes nothing is a mistake.
func Commands(t testing.TB, document string, changes ...Change) []string {
	t.Helper()
	paths := All(t)
	at := slices.IndexFunc(paths, func(path string) bool { return filepath.Base(path) == document })
	if at < 0 {
		t.Fatalf("there is no document %s", document)
	}
	text, err := os.ReadFile(paths[at])
	if err != nil {
		t.Fatal(err)
	}
	all := Blocks(string(text))
	for _, e := range excuses {
		if e.document == document {
			changes = append(changes, Change{e.command + "\n", "", e.why})
		}
	}
	for _, c := range changes {
		if !slices.ContainsFunc(all, func(block string) bool { return strings.Contains(block, c.Shown) }) || c.Why == "" {
			t.Errorf("%s does not show %q, or nothing says why it is changed", document, c.Shown)
		}
		for i := range all {
			all[i] = strings.ReplaceAll(all[i], c.Shown, c.Run)
		}
	}
	return all
}
