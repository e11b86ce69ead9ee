package manual

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// fleet is a program with all that may stand on a command line.
type fleet struct {
	Ship struct {
		List struct {
			JSON bool `help:"Print a 'JSON' array: [name, port]."`
		} `cmd:"" help:"List the ships."`
		Load struct {
			Name  string   `arg:"" help:"Name of the ship."`
			Files []string `arg:"" optional:"" name:"file" help:"What to load."`
			From  string   `placeholder:"DIR" help:"Folder to load from."`
			Order string   `short:"o" enum:"first,last" default:"first" help:"Which file is first."`
			Slow  bool     `hidden:"" help:"Nobody needs this."`
		} `cmd:"" help:"Load a ship: its files."`
	} `cmd:"" help:"All about ships."`
	Harbour struct {
		Open struct {
			Berths string `placeholder:"N" help:"How many."`
			Plan   string `arg:"" optional:"" name:"file" help:"Its plan."`
		} `cmd:"" default:"withargs" help:"Open it; this is what happens without a command."`
	} `cmd:"" help:"The harbour. Ships lie there.\n.Not a macro, C:\\nor this."`
}

func describeFleet(t *testing.T) Command {
	t.Helper()
	program, err := kong.New(new(fleet), kong.Name("fleet"), kong.Description("Loads ships."))
	if err != nil {
		t.Fatal(err)
	}
	return Describe(program.Model)
}

// completions are what the shells offer where a line ends.
var completions = []struct{ line, offered string }{
	{"fleet ", "harbour ship"},
	{"fleet sh", "ship"},
	{"fleet ship ", "list load"},
	{"fleet ship lo", "load"},
	{"fleet ship list --", "--help --json"},
	{"fleet ship load --", "--from --help --order"},
	{"fleet ship load --order ", "first last"},
	{"fleet ship load -o l", "last"},
	{"fleet ship load --from harbour --or", "--order"},
	{"fleet ship load --from /us", "/usr"},
	{"fleet harbour --b", "--berths"},
	{"fleet harbour ", "open"},
	{"fleet harbour open /etc/passw", "/etc/passwd"},
}

// A completer has a real shell complete the lines and returns what it offered
// for each.
type completer func(t *testing.T, script string, lines []string) [][]string

func TestCompletion(t *testing.T) {
	for shell, complete := range map[Shell]completer{Bash: completeBash, Zsh: completeZsh, Fish: completeFish} {
		t.Run(string(shell), func(t *testing.T) {
			var text bytes.Buffer
			if err := WriteCompletion(&text, describeFleet(t), shell); err != nil {
				t.Fatal(err)
			}
			script := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(script, text.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, c := range completions {
				lines = append(lines, c.line)
			}
			for i, got := range complete(t, script, lines) {
				// zsh offers the last part of a path, fish marks folders, and both offer files beside commands.
				want := strings.Fields(completions[i].offered)
				for _, words := range [][]string{got, want} {
					for j := range words {
						words[j] = filepath.Base(words[j])
					}
				}
				slices.Sort(got)
				got = slices.Compact(got)
				if c := completions[i]; c.line == "fleet harbour " || strings.Contains(c.offered, "/") {
					got = slices.DeleteFunc(got, func(word string) bool { return !slices.Contains(want, word) })
				}
				if !slices.Equal(got, want) {
					t.Errorf("after %q %s offers %q, want %q", completions[i].line, shell, got, want)
				}
			}
		})
	}
}

func TestUnknownShell(t *testing.T) {
	err := WriteCompletion(new(bytes.Buffer), describeFleet(t), "csh")
	if err == nil || !strings.Contains(err.Error(), `"csh": choose bash, zsh or fish`) {
		t.Errorf("the error is %v", err)
	}
}

func completeBash(t *testing.T, script string, lines []string) [][]string {
	return offered(output(t, "bash", append([]string{"--norc", "testdata/complete.bash", script}, lines...)...))
}

func completeZsh(t *testing.T, script string, lines []string) [][]string {
	return offered(output(t, "zsh", append([]string{"-f", "testdata/complete.zsh", script}, lines...)...))
}

func completeFish(t *testing.T, script string, lines []string) [][]string {
	return offered(output(t, "fish", append([]string{"--no-config", "testdata/complete.fish", script}, lines...)...))
}

// offered reads what the scripts print: each line after "= ", then a word a line.
func offered(text string) (all [][]string) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "= ") {
			all = append(all, nil)
		} else if len(all) > 0 && line != "" {
			word, _, _ := strings.Cut(line, "\t")
			all[len(all)-1] = append(all[len(all)-1], word)
		}
	}
	return all
}

func output(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "TERM=dumb")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, complaint.String())
	}
	return string(out)
}

// TestPages has mandoc read each page, and compares one with what it must be.
func TestPages(t *testing.T) {
	folder, root := t.TempDir(), describeFleet(t)
	date := time.Date(2026, 11, 24, 23, 0, 0, 0, time.UTC)
	var paths []string
	root.Each(func(c Command) {
		var text bytes.Buffer
		if err := WritePage(&text, root, c, date); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, c.PageName())
		if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	})
	said, err := exec.Command("mandoc", append([]string{"-Tlint", "-Wwarning"}, paths...)...).CombinedOutput()
	if err != nil {
		t.Errorf("mandoc: %v\n%s", err, said)
	}
	page, err := os.ReadFile(filepath.Join(folder, "fleet-ship-load.1"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/fleet-ship-load.1")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(page, want) {
		t.Errorf("fleet-ship-load.1 is\n%s\nwant\n%s", page, want)
	}
	shown := output(t, "mandoc", "-Tascii", filepath.Join(folder, "fleet-harbour.1"))
	if !strings.Contains(shown, `.Not a macro, C:\nor this.`) {
		t.Errorf("text came out as a macro:\n%s", shown)
	}
}
