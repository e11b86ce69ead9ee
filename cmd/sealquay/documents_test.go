package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// documents are all texts for people.
func documents(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(found) < 10 {
		t.Fatalf("%d documents, %v", len(found), err)
	}
	return append(found, "../../README.md", "../../SECURITY.md")
}

// shellBlock is a block of commands in a document.
var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// commandsOf returns the commands of a document, in order.
func commandsOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, block := range shellBlock.FindAllSubmatch(text, -1) {
		all.Write(block[1])
	}
	return all.String()
}

// written finds the command lines of sealquay in a text: at the start of a line,
// behind a word of the shell, or between backquotes.
var written = regexp.MustCompile("(?m)(?:^[ \t]*|`|&& |\\| |until |while )sealquay((?: +(?:'[^']*'|[^ \t\n`'|&;<>#)]+))+)(?: *[0-9]?>)?")

// placeholders stand for what only the reader knows.
var placeholders = strings.NewReplacer("PID", "1", "$!", "1", "[FILE…]", "server.log", "FILE…", "server.log",
	"/tmp/sample.log", "server.log", " 2>", "", " >", "")

// TestDocumentedCommandLines: every command line that a document shows can be
// typed like that.
func TestDocumentedCommandLines(t *testing.T) {
	texts := make(map[string]string)
	for _, path := range documents(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, span := range regexp.MustCompile("`sealquay [^`\n]+`").FindAll(text, -1) {
			texts[path] += string(span) + "\n"
		}
		texts[path] += commandsOf(t, path)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("server.log", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for path, text := range texts {
		for _, found := range written.FindAllString(text, -1) {
			line := placeholders.Replace(found)
			_, line, _ = strings.Cut(line, "sealquay")
			checked++
			if err := typed(words(line)); err != nil {
				t.Errorf("%s: sealquay%s: %v", filepath.Base(path), line, err)
			}
		}
	}
	if checked < 60 {
		t.Errorf("only %d command lines were found", checked)
	}
}

// words splits a command line.
func words(line string) (all []string) {
	for _, word := range regexp.MustCompile(`'[^']*'|[^ \t`+"`"+`]+`).FindAllString(line, -1) {
		all = append(all, strings.Trim(word, "'"))
	}
	return all
}

// typed reports why a command line cannot be typed. One that only names a
// command, without what it needs, can.
func typed(args []string) error {
	parser, err := kong.New(new(commands), kong.Name("sealquay"), kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) { panic(exit(0)) }))
	if err != nil {
		return err
	}
	defer func() { _ = recover() }() // --help
	trace, err := kong.Trace(parser, args)
	if err != nil {
		return err
	}
	return trace.Error
}

// runDocument runs all commands of a document, as somebody does who follows it.
func runDocument(t *testing.T, name string) string {
	t.Helper()
	return runCommands(t, commandsOf(t, "../../docs/"+name))
}

// runCommands runs a script in an empty folder, with a port that is free.
func runCommands(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "sealquay")); err != nil {
		t.Fatal(err)
	}
	script = strings.ReplaceAll(script, "1234", freePort(t))
	cmd := exec.CommandContext(t.Context(), "bash", "-eu")
	cmd.Stdin = strings.NewReader("trap 'kill $(jobs -p) 2>/dev/null || :' EXIT\n" + script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "SEALQUAY_ADMIN_ADDRESS=")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = patience
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	return said.String()
}

// freePort returns a port that nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

func TestTutorial(t *testing.T) {
	said := runDocument(t, "TUTORIAL.md")
	for _, want := range []string{
		"acknowledged  letter.txt: 12 bytes, crc32 8b0a75c0, tries: 1",
		"2 files, 35 bytes read, 0 problems",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
}

// TestReadme tries what README.md shows, with a smaller file and with this
// program in the place of what go would build.
func TestReadme(t *testing.T) {
	shown := commandsOf(t, "../../README.md")
	script := strings.NewReplacer(
		"go run ./cmd/sealquay serve\n", "echo 1234 > port.info\nsealquay serve &\nuntil sealquay health; do sleep 1; done\n",
		"go test ./...\n", "",
		"go build -o sealquay ./cmd/sealquay\n", "ln -s \"$(command -v sealquay)\" sealquay\n",
		"head -c 1G ", "head -c 1M ",
	).Replace(shown)
	said := runCommands(t, script)
	for _, want := range []string{"acknowledged  big.bin: 1048576 bytes", "\nthe same\n"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
}

// TestLoggingCommands runs what docs/LOGGING.md shows on the log of a server,
// but for what does not end and what takes a log of 1 GiB.
func TestLoggingCommands(t *testing.T) {
	script := `echo 1234 > port.info
sealquay serve 2> server.log &
until sealquay health 2> health.log; do sleep 1; done
echo text > letter.txt
sealquay send --server 127.0.0.1:1234 --name alice letter.txt
kill %1
wait %1
`
	for line := range strings.Lines(commandsOf(t, "../../docs/LOGGING.md")) {
		if !strings.Contains(line, "--follow") && !strings.Contains(line, "/tmp/sample.log") {
			script += strings.TrimSuffix(line, "\n") + " || [ $? = 1 ] # nothing is found\n"
		}
	}
	if said := runCommands(t, script); !strings.Contains(said, "valid_crc") || strings.Contains(said, "sealquay: ") {
		t.Errorf("no request is shown, or something fails:\n%s", said)
	}
}

func TestOperating(t *testing.T) { runDocument(t, "OPERATING.md") }

// TestExampleClient runs the client that docs/WRITING-A-CLIENT.md shows: a first
// run, a second one, and one that is refused.
func TestExampleClient(t *testing.T) {
	s := startTestServer(t)
	program, err := filepath.Abs("../../docs/examples/client.py")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := func(dir, file string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "python3", program, "127.0.0.1", fmt.Sprint(s.addr.Port()), "zoe", file)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for _, content := range []string{"", "sixteen bytes...", strings.Repeat("content", 100_000)} {
		file := fmt.Sprintf("%d.txt", len(content))
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := run(dir, file); err != nil || !strings.Contains(out, "acknowledged: "+file) {
			t.Errorf("%v\n%s", err, out)
		}
		s.checkStored(t, "zoe", file, []byte(content))
	}
	if out, err := run(t.TempDir(), program); err == nil || !strings.Contains(out, "refused") {
		t.Errorf("a second zoe: %v\n%s", err, out)
	}
}

// TestLinks: what a document points to within the repository is there.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)]*)?\)`)
	for _, path := range documents(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range link.FindAllSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), string(found[1]))); err != nil {
				t.Errorf("%s: %v", filepath.Base(path), err)
			}
		}
	}
}
