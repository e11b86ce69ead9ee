package manual

import (
	"fmt"
	"io"
	"strings"
)

// A Shell is one that completion scripts can be written for.
type Shell string

// The shells.
const (
	Bash Shell = "bash"
	Zsh  Shell = "zsh"
	Fish Shell = "fish"
)

// WriteCompletion writes the script by which a shell completes the program's
// commands, flags and values.
func WriteCompletion(w io.Writer, program Command, shell Shell) error {
	var s script
	switch shell {
	case Bash:
		s.bash(program)
	case Zsh:
		s.zsh(program)
	case Fish:
		s.fish(program)
	default:
		return fmt.Errorf("no completion for the shell %q: choose bash, zsh or fish", shell)
	}
	_, err := io.WriteString(w, s.String())
	return err
}

// A script is text of a shell.
type script struct{ strings.Builder }

func (s *script) line(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

// single quotes text for any shell. A quote in it becomes another character:
// the shells differ in how to write one.
func single(text string) string { return "'" + strings.ReplaceAll(text, "'", "’") + "'" }

// function is the name of a shell's function for a command.
func (c Command) function() string {
	return "_" + strings.NewReplacer(" ", "_", "-", "_").Replace(c.Name())
}

// below is the command as it is typed behind the program's name.
func (c Command) below() string { return strings.Join(c.Path[1:], " ") }

// words are the flag's spellings.
func (f Flag) words() []string {
	if f.Short == "" {
		return []string{"--" + f.Name}
	}
	return []string{"-" + f.Short, "--" + f.Name}
}

// valued are the spellings of all flags that take a value.
func (c Command) valued() (words []string) {
	for _, f := range c.Flags {
		if f.Value != nil {
			words = append(words, f.words()...)
		}
	}
	return words
}

// names are the names of the commands below.
func (c Command) names() (names []string) {
	for _, child := range c.Commands {
		names = append(names, child.Path[len(child.Path)-1])
	}
	return names
}

// argument returns what may be said of the arguments' values, the first's where
// they differ.
func (c Command) argument() Value {
	if len(c.Arguments) == 0 {
		return Value{}
	}
	return c.Arguments[0].Value
}
