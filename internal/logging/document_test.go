package logging

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// constant is a documented constant: its group, its Go name, its value and its comment.
type constant struct{ group, name, value, comment string }

// constants reads the constants of a type from a file of this package.
func constants(t *testing.T, file, typeName string) []constant {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var found []constant
	for _, d := range parsed.Decls {
		declaration, ok := d.(*ast.GenDecl)
		if !ok || declaration.Tok != token.CONST {
			continue
		}
		for _, spec := range declaration.Specs {
			value := spec.(*ast.ValueSpec)
			if kind, ok := value.Type.(*ast.Ident); !ok || kind.Name != typeName {
				t.Errorf("%s: %s is no %s", file, value.Names[0].Name, typeName)
				continue
			}
			text, err := strconv.Unquote(value.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			name := value.Names[0].Name
			comment, documented := strings.CutPrefix(oneLine(value.Doc.Text()), name+": ")
			if !documented {
				t.Errorf("%s: the comment of %s does not start with its name and a colon", file, name)
			}
			found = append(found, constant{oneLine(declaration.Doc.Text()), name, text, comment})
		}
	}
	return found
}

// fieldConstructors reads the functions of fields.go: the name of the field is the first string in each.
func fieldConstructors(t *testing.T) []constant {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), "fields.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var found []constant
	for _, d := range parsed.Decls {
		function, ok := d.(*ast.FuncDecl)
		if !ok || !function.Name.IsExported() {
			continue
		}
		field := ""
		ast.Inspect(function.Body, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING && field == "" {
				field, _ = strconv.Unquote(literal.Value)
			}
			return true
		})
		name := function.Name.Name
		comment, documented := strings.CutPrefix(oneLine(function.Doc.Text()), name+" ")
		if !documented {
			t.Errorf("the comment of %s does not start with its name", name)
		}
		found = append(found, constant{"", name, field, capital(comment)})
	}
	return found
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// capital begins a comment like a sentence of its own; one that begins with "is" loses the verb.
func capital(s string) string {
	s = strings.TrimPrefix(s, "is ")
	return strings.ToUpper(s[:1]) + s[1:]
}

// Events, reasons and fields have unique names of the agreed form, and every event has its level and message.
func TestClosedLists(t *testing.T) {
	events, allReasons, constructors := constants(t, "event.go", "Event"), constants(t, "reason.go", "Reason"), fieldConstructors(t)
	for _, r := range allReasons {
		if !Reason(r.value).Known() {
			t.Errorf("%s is not among the known reasons", r.name)
		}
	}
	if len(allReasons) != len(reasons) {
		t.Errorf("%d reasons, %d of them known", len(allReasons), len(reasons))
	}
	if len(events) != len(entries) {
		t.Errorf("%d events, %d of them with level and message", len(events), len(entries))
	}
	messages := map[string]string{}
	for _, e := range events {
		message := Event(e.value).Message()
		if message == "" {
			t.Errorf("%s has no message", e.name)
		}
		if other, taken := messages[message]; taken {
			t.Errorf("%s and %s have the same message", e.name, other)
		}
		messages[message] = e.name
	}
	for _, c := range []struct {
		list []constant
		form string
	}{
		{events, `^[a-z]+(\.[a-z]+(_[a-z]+)*)?$`},
		{allReasons, `^[a-z0-9]+(_[a-z0-9]+)*$`},
		{constructors, `^[a-z]+(_[a-z]+)*$`},
	} {
		form, seen := regexp.MustCompile(c.form), map[string]bool{"ts": true, "level": true, "msg": true, "event": true}
		for _, x := range c.list {
			if !form.MatchString(x.value) || seen[x.value] {
				t.Errorf("%s: name %q is not of the form %s, or taken", x.name, x.value, c.form)
			}
			seen[x.value] = true
		}
	}
}

// docs/LOGGING.md says what the comments say.
func TestDocument(t *testing.T) {
	golden(t, filepath.Join("..", "..", "docs", "LOGGING.md"), document(t))
}

func document(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(documentHead)
	b.WriteString("\n| field | meaning | OpenTelemetry |\n| --- | --- | --- |\n")
	for _, f := range fieldConstructors(t) {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.value, f.comment, openTelemetry[f.value])
	}
	b.WriteString("\n## Events\n\n| event | level | audit | msg | meaning |\n| --- | --- | --- | --- | --- |\n")
	for _, e := range constants(t, "event.go", "Event") {
		event := Event(e.value)
		level := event.Level().String()
		if event == ServerReactor || event == LogOther {
			level = "any"
		}
		audit := ""
		switch {
		case event == RequestDone || event == LimitHit:
			audit = "some"
		case event.IsAudit():
			audit = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", e.value, level, audit, event.Message(), capital(e.comment))
	}
	b.WriteString(auditText)
	b.WriteString("\n## Reasons\n")
	group := ""
	for _, r := range constants(t, "reason.go", "Reason") {
		if r.group != group {
			group = r.group
			fmt.Fprintf(&b, "\n%s\n\n| reason | audit | meaning |\n| --- | --- | --- |\n", group)
		}
		audit := ""
		if Reason(r.value).IsPolicy() {
			audit = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.value, audit, capital(r.comment))
	}
	operating, err := os.ReadFile(filepath.Join("testdata", "operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	b.Write(operating)
	return b.Bytes()
}

// openTelemetry names the fields in OpenTelemetry's semantic conventions, where they have a name there: the registry of
// attributes as of version 1.44. No fingerprint and no limit has one.
var openTelemetry = map[string]string{
	"client_ip":   "`client.address`",
	"client_id":   "`user.id`",
	"client_name": "`user.name`",
	"op":          "`rpc.method`",
	"status":      "`rpc.response.status_code`",
	"client_port": "`client.port`",
	"reason":      "`error.type`",
	"file_name":   "`file.name`",
	"file_size":   "`file.size`",
	"path":        "`file.path`",
	"version":     "`service.version`",
	"process_id":  "`process.pid`",
	"error":       "`exception.message`",
	"stack":       "`exception.stacktrace`",
}

// Every name of the mapping is a field.
func TestOpenTelemetryNames(t *testing.T) {
	known := map[string]bool{}
	for _, f := range fieldConstructors(t) {
		known[f.value] = true
	}
	for field := range openTelemetry {
		if !known[field] {
			t.Errorf("%s is no field", field)
		}
	}
}

const documentHead = `# Logging

Made from the comments in ` + "`internal/logging`" + ` by ` + "`go test ./internal/logging -run TestDocument -update`" + `.

A line is one JSON object. At a terminal it is a readable line instead; ` + "`log.format`" + ` forces either, and ` + "`NO_COLOR`" + ` is honoured.
Lines wait in a buffer for up to 200 ms. Those of level warn and error are written at once, but at most every 10 ms: a flood shares its
writes. Of lines that are noise (` + "`limit.hit`, `conn.pause`, `conn.resume`, `server.reactor`, `log.other`" + `) at most 100 of an event
are written in a second; ` + "`log.sampled`" + ` counts the others.

Every line has these fields:

| field | meaning | OpenTelemetry |
| --- | --- | --- |
| ` + "`ts`" + ` | Time: RFC 3339, UTC, microseconds. | Timestamp |
| ` + "`level`" + ` | ` + "`debug`, `info`, `warn` or `error`" + `. | SeverityText |
| ` + "`event`" + ` | What the line is about: one of the events below. | EventName |
| ` + "`msg`" + ` | The same for people; constant for an event. | Body |

Lines that an auditor asks for also have ` + "`audit`" + `, which is true: see below.

## Fields

What an event needs of these. Sizes are in bytes. Texts from outside (names, paths) are escaped as in Go strings (control, bidirectional and
other invisible characters, invalid UTF-8) and cut, then ending in "…". Keys and content are never logged.
`

const auditText = `
Lines of the events marked above, and of requests and limits with a reason marked below, are the audit trail: registrations, changed
keys, verified files, and refusals by policy. They have ` + "`\"audit\":true`" + `, are written whatever ` + "`log.level`" + ` is, and are never sampled.
Connections that are refused before they ask for anything are not among them: they are counted, in ` + "`limit.hit`" + `, and what led there
(` + "`penalty`" + `) is in the trail.
`
