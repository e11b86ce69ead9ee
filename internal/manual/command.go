package manual

import (
	"strings"

	"github.com/alecthomas/kong"
)

// A Command is a program's command, or at the root the program itself, as its
// manual and its completion see it.
type Command struct {
	Path      []string // from the program's name on
	Help      string
	Detail    string
	Commands  []Command
	Flags     []Flag // also those of the commands above it
	Arguments []Argument
}

// A Flag is an option of a command.
type Flag struct {
	Name  string // without dashes
	Short string // one letter without dash, or none
	Help  string
	Value *Value // nil: the flag takes none
}

// An Argument is what stands behind a command without a dash.
type Argument struct {
	Help     string
	Optional bool
	Many     bool
	Value    Value
}

// A Value is what a flag or an argument takes.
type Value struct {
	Name    string // in capitals
	Choices []string
	Kind    Kind
}

// A Kind says what of the machine a value names.
type Kind int

// The kinds of values.
const (
	Text Kind = iota
	File
	Folder
)

// Describe makes a Command of a program's model, with all below it.
func Describe(program *kong.Application) Command {
	return describe(program.Node, nil)
}

func describe(n *kong.Node, above []string) Command {
	c := Command{Path: append(above[:len(above):len(above)], n.Name), Help: oneLine(n.Help), Detail: n.Detail}
	for _, group := range n.AllFlags(true) {
		c.addFlags(group)
	}
	c.addArguments(n)
	for _, child := range n.Children {
		if !child.Hidden {
			c.Commands = append(c.Commands, describe(child, c.Path))
		}
	}
	if n.DefaultCmd != nil { // what it takes may follow at once
		c.addFlags(n.DefaultCmd.Flags)
		c.addArguments(n.DefaultCmd)
	}
	return c
}

func (c *Command) addFlags(flags []*kong.Flag) {
	for _, f := range flags {
		if f.Hidden {
			continue
		}
		flag := Flag{Name: f.Name, Help: oneLine(f.Help)}
		if f.Short != 0 {
			flag.Short = string(f.Short)
		}
		if !f.IsBool() && !f.IsCounter() {
			name := f.PlaceHolder
			if name == "" {
				name = strings.ToUpper(f.Name)
			}
			flag.Value = newValue(name, f.Value)
		}
		c.Flags = append(c.Flags, flag)
	}
}

func (c *Command) addArguments(n *kong.Node) {
	for _, p := range n.Positional {
		c.Arguments = append(c.Arguments, Argument{
			Help:     oneLine(p.Help),
			Optional: !p.Required,
			Many:     p.IsCumulative(),
			Value:    *newValue(strings.ToUpper(p.Name), p),
		})
	}
}

func newValue(name string, v *kong.Value) *Value {
	value := &Value{Name: name}
	for word := range strings.SplitSeq(v.Enum, ",") {
		if word = strings.TrimSpace(word); word != "" {
			value.Choices = append(value.Choices, word)
		}
	}
	switch name {
	case "FILE", "PATH", "BEFORE", "AFTER":
		value.Kind = File
	case "DIR":
		value.Kind = Folder
	}
	return value
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// Name is the whole command as it is typed.
func (c Command) Name() string { return strings.Join(c.Path, " ") }

// Each calls f with the command and all below it.
func (c Command) Each(f func(Command)) {
	f(c)
	for _, child := range c.Commands {
		child.Each(f)
	}
}
