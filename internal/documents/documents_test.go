package documents

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// TestEveryCommandIsRun: each document with commands is run by a test, which
// takes all of its commands by Commands; what is excused is there; and no command
// is shown where it would not be found.
func TestEveryCommandIsRun(t *testing.T) {
	runs := runners(t)
	other := regexp.MustCompile(`(?m)^(?:    )?(?:\$ |sealquay (?:[a-z]+ )*--|(?:go|docker|python3|curl|apt|systemctl|jq|tshark) [a-z])`)
	for _, path := range All(t) {
		name, text := filepath.Base(path), read(t, path)
		shown := Blocks(text)
		if len(shown) > 0 && runs[name] == "" {
			t.Errorf("%s shows commands, and no test runs them", name)
		}
		for _, command := range other.FindAllString(shellBlock.ReplaceAllString(text, ""), -1) {
			t.Errorf("%s: %q stands outside of a block of sh", name, command)
		}
		for _, e := range excuses {
			if e.document == name && !strings.Contains("\n"+strings.Join(shown, ""), "\n"+e.command+"\n") {
				t.Errorf("%s does not show %q any more, and needs no excuse", name, e.command)
			}
		}
	}
	if len(runs) < 14 {
		t.Errorf("only %d documents are run: %v", len(runs), runs)
	}
}

// runners returns which test calls Commands for a document.
func runners(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, file := range tests(t) {
		for _, declared := range file.Decls {
			test, ok := declared.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(test.Name.Name, "Test") {
				continue
			}
			ast.Inspect(test, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) < 2 {
					return true
				}
				selected, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || selected.Sel.Name != "Commands" {
					return true
				}
				if of, ok := selected.X.(*ast.Ident); !ok || of.Name != "documents" {
					return true
				}
				if literal, ok := call.Args[1].(*ast.BasicLit); ok {
					name, _ := strconv.Unquote(literal.Value)
					found[name] = test.Name.Name
				}
				return true
			})
		}
	}
	return found
}

// tests returns all files of tests in the repository.
func tests(t *testing.T) (files []*ast.File) {
	t.Helper()
	set := token.NewFileSet()
	err := filepath.WalkDir(root(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		files = append(files, file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestGoCommands: what the documents have go run or test is there, with the
// flags, tests and benchmarks that they name.
func TestGoCommands(t *testing.T) {
	command := regexp.MustCompile(`go (run|test)((?: +(?:'[^']*'|[^ \n` + "`" + `'|&;<>#)]+))+)`)
	word := regexp.MustCompile(`'[^']*'|[^ ]+`)
	checked := 0
	for _, path := range All(t) {
		name := filepath.Base(path)
		for _, found := range command.FindAllStringSubmatch(read(t, path), -1) {
			var args []string
			for _, w := range word.FindAllString(found[2], -1) {
				args = append(args, strings.Trim(w, "'"))
			}
			at := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "./") })
			if at < 0 {
				continue // a word about go run
			}
			checked++
			folder := filepath.Join(root(t), args[at])
			if args[at] == "./..." {
				continue
			}
			if found[1] == "run" {
				checkFlags(t, name, folder, args[at+1:])
			} else {
				checkPatterns(t, name, folder, args)
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d commands of go were found", checked)
	}
}

// checkFlags looks for the declarations of the flags of a program.
func checkFlags(t *testing.T, document, folder string, args []string) {
	t.Helper()
	source := sources(t, folder, "*.go")
	if !strings.Contains(source, "package main") {
		t.Errorf("%s: there is no program in %s", document, folder)
	}
	if strings.HasSuffix(folder, "cmd/sealquay") {
		return // cmd/sealquay's test parses its command lines
	}
	for _, arg := range args {
		flag, isFlag := strings.CutPrefix(arg, "-")
		flag, _, _ = strings.Cut(flag, "=")
		if isFlag && !regexp.MustCompile(`flag\.\w+\([^"\n]*"`+flag+`"`).MatchString(source) {
			t.Errorf("%s: %s has no flag -%s", document, folder, flag)
		}
	}
}

// checkPatterns looks for the tests and benchmarks that a command line asks for.
func checkPatterns(t *testing.T, document, folder string, args []string) {
	t.Helper()
	source := sources(t, folder, "*_test.go")
	for i, arg := range args {
		flag, value, joined := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		kind := map[string]string{"run": "(?:Test|Fuzz|Example)", "bench": "Benchmark"}[flag]
		if kind == "" || !strings.HasPrefix(arg, "-") || slices.Contains([]string{"XXX", "NONE", "^$", "-"}, value) {
			continue
		}
		pattern, _, _ := strings.Cut(value, "/")
		names := regexp.MustCompile(`(?m)^func (`+kind+`\w*)\(`).FindAllStringSubmatch(source, -1)
		for alternative := range strings.SplitSeq(pattern, "|") {
			asked := regexp.MustCompile(alternative)
			if !slices.ContainsFunc(names, func(name []string) bool { return asked.MatchString(name[1]) }) {
				t.Errorf("%s: nothing in %s is called %s", document, folder, alternative)
			}
		}
	}
}

// sources returns the text of all files of a folder that match.
func sources(t *testing.T, folder, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(paths) == 0 {
		t.Errorf("there is no %s in %s, %v", pattern, folder, err)
	}
	var all strings.Builder
	for _, path := range paths {
		all.WriteString(read(t, path))
	}
	return all.String()
}

// TestLinks: what a document points to within the repository is there, and the
// heading that it points to.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	checked := 0
	for _, path := range All(t) {
		for _, found := range link.FindAllStringSubmatch(read(t, path), -1) {
			target, err := url.Parse(found[1])
			if err != nil {
				t.Errorf("%s: %v", filepath.Base(path), err)
				continue
			}
			if target.IsAbs() {
				continue
			}
			checked++
			to := path
			if target.Path != "" {
				to = filepath.Join(filepath.Dir(path), target.Path)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: %v", filepath.Base(path), err)
			} else if target.Fragment != "" && !slices.Contains(anchors(read(t, to)), target.Fragment) {
				t.Errorf("%s: %s has no heading #%s", filepath.Base(path), filepath.Base(to), target.Fragment)
			}
		}
	}
	if checked < 90 {
		t.Errorf("only %d links were found", checked)
	}
}

// anchors returns the names that GitHub gives the headings of a text.
func anchors(text string) (names []string) {
	text = regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(text, "")
	times := make(map[string]int)
	for _, heading := range regexp.MustCompile(`(?m)^#+ +(.+)$`).FindAllStringSubmatch(text, -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
				return unicode.ToLower(r)
			default:
				return -1
			}
		}, heading[1])
		if n := times[name]; n > 0 {
			names = append(names, name+"-"+strconv.Itoa(n))
		} else {
			names = append(names, name)
		}
		times[name]++
	}
	return names
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
