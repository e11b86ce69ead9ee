package logging

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// selected returns what the program's code, without its tests, takes from this package.
func selected(t *testing.T) map[string]bool {
	t.Helper()
	used := make(map[string]bool)
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		name, _ := filepath.Rel(filepath.Join("..", ".."), path)
		if room := filepath.ToSlash(name); strings.HasPrefix(room, "internal/") && !strings.HasPrefix(room, "internal/admin/") {
			return nil // only those who log count
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if of, ok := s.X.(*ast.Ident); ok && of.Name == "logging" {
					used[s.Sel.Name] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return used
}

// codecReasons returns the reasons of the package codec, which does not know this one.
func codecReasons(t *testing.T) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "codec", "errors.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 && strings.HasPrefix(spec.Names[0].Name, "Reason") {
			if text, ok := spec.Values[0].(*ast.BasicLit); ok {
				reason, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Fatal(err)
				}
				found[reason] = true
			}
		}
		return true
	})
	return found
}

// Nothing is in the lists, and so in the document, that no code logs; and the codec's reasons are in them.
func TestListsAreUsed(t *testing.T) {
	used, ofCodec := selected(t), codecReasons(t)
	own := map[string]bool{"LogLost": true, "LogSampled": true, "LogOther": true, "DroppedEvent": true} // logged by this package
	for _, e := range constants(t, "event.go", "Event") {
		if !used[e.name] && !own[e.name] {
			t.Errorf("no code logs the event %s", e.name)
		}
	}
	for _, r := range constants(t, "reason.go", "Reason") {
		if !used[r.name] && !ofCodec[r.value] {
			t.Errorf("no code has the reason %s", r.name)
		}
	}
	for _, f := range fieldConstructors(t) {
		if !used[f.name] && !own[f.name] {
			t.Errorf("no code has the field %s", f.name)
		}
	}
	for r := range ofCodec {
		if !Reason(r).Known() {
			t.Errorf("the codec's reason %s is not known here", r)
		}
	}
	if len(ofCodec) == 0 {
		t.Error("the codec's reasons were not found")
	}
}
