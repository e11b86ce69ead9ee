package manual

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// PageName is the file name of the command's manual page.
func (c Command) PageName() string { return c.title() + ".1" }

func (c Command) title() string { return strings.Join(c.Path, "-") }

// WritePage writes the manual page of a command, in the language of mdoc(7).
func WritePage(w io.Writer, program, c Command, date time.Time) error {
	var p page
	p.macro("Dd", date.UTC().Format("January 2, 2006"))
	p.macro("Dt", strings.ToUpper(c.title()), "1")
	p.macro("Os")
	p.macro("Sh", "NAME")
	p.macro("Nm", c.title())
	p.macro("Nd", c.summary())
	p.synopsis(c)
	p.macro("Sh", "DESCRIPTION")
	p.text(c.Help)
	if c.Detail != "" {
		p.macro("Pp")
		p.text(c.Detail)
	}
	p.commands(c)
	p.arguments(c)
	p.flags(c)
	if len(c.Path) == 1 {
		p.surroundings()
	}
	p.macro("Sh", "EXIT STATUS")
	p.text("0 when all went well, 1 when it did not, 2 when the command line is wrong.")
	p.seeAlso(program, c)
	_, err := io.WriteString(w, p.String())
	return err
}

// summary is the first sentence of the help, as the end of another.
func (c Command) summary() string {
	sentence, _, _ := strings.Cut(c.Help, ". ")
	first, size := utf8.DecodeRuneInString(sentence)
	return strings.ToLower(string(first)) + strings.TrimSuffix(sentence[size:], ".")
}

// A page is text of mdoc.
type page struct{ strings.Builder }

func (p *page) macro(name string, arguments ...string) {
	p.WriteString("." + name)
	for _, a := range arguments {
		p.WriteString(" " + argument(a))
	}
	p.WriteString("\n")
}

// text writes sentences, each from a new line on, in lines that are not long.
func (p *page) text(text string) {
	for sentence := range strings.SplitSeq(strings.ReplaceAll(text, ". ", ".\n"), "\n") {
		line := ""
		for word := range strings.FieldsSeq(sentence) {
			if len(line)+len(word) > lineBytes {
				p.WriteString(escape(line) + "\n")
				line = ""
			}
			line = strings.TrimSpace(line + " " + word)
		}
		if line != "" {
			p.WriteString(escape(line) + "\n")
		}
	}
}

const lineBytes = 72

func (p *page) synopsis(c Command) {
	p.macro("Sh", "SYNOPSIS")
	p.macro("Nm", c.Name())
	if len(c.Flags) > 0 {
		p.macro("Op", "Ar", "option ...")
	}
	if len(c.Commands) > 0 {
		p.macro("Ar", "command")
		p.macro("Op", "Ar", "argument ...")
		return
	}
	for _, a := range c.Arguments {
		name := a.Value.Name
		if a.Many {
			name += " ..."
		}
		if a.Optional {
			p.macro("Op", "Ar", name)
		} else {
			p.macro("Ar", name)
		}
	}
}

func (p *page) commands(c Command) {
	if len(c.Commands) == 0 {
		return
	}
	p.macro("Sh", "COMMANDS")
	p.list(func() {
		for i, name := range c.names() {
			p.macro("It", "Cm", name)
			p.text(c.Commands[i].Help)
			p.macro("Xr", c.Commands[i].title(), "1")
		}
	})
}

func (p *page) arguments(c Command) {
	if len(c.Arguments) == 0 {
		return
	}
	p.macro("Sh", "ARGUMENTS")
	p.list(func() {
		for _, a := range c.Arguments {
			p.macro("It", "Ar", a.Value.Name)
			p.text(a.Help)
		}
	})
}

func (p *page) flags(c Command) {
	if len(c.Flags) == 0 {
		return
	}
	p.macro("Sh", "OPTIONS")
	p.list(func() {
		for _, f := range c.Flags {
			p.flag(f)
			p.text(f.Help)
		}
	})
}

func (p *page) flag(f Flag) {
	item := []string{}
	if f.Short != "" {
		item = append(item, "Fl", f.Short, ",")
	}
	item = append(item, "Fl", "-"+f.Name)
	if f.Value != nil {
		item = append(item, "Ns", "=", "Ns", "Ar", f.Value.Name)
	}
	p.macro("It", item...)
}

func (p *page) list(items func()) {
	p.macro("Bl", "-tag", "-width", "Ds")
	items()
	p.macro("El")
}

// surroundings says what a program's every command reads.
func (p *page) surroundings() {
	p.macro("Sh", "ENVIRONMENT")
	p.text("Every setting may be given as a variable: SEALQUAY_ and the key in capitals, as in SEALQUAY_DATA_DIR.")
	p.macro("Sh", "FILES")
	p.list(func() {
		p.macro("It", "Pa", "config.json")
		p.text("The configuration, in the working directory.")
		p.macro("It", "Pa", "port.info")
		p.text("The port, on its only line.")
	})
}

// seeAlso names the command above and those beside.
func (p *page) seeAlso(program, c Command) {
	var titles []string
	program.Each(func(other Command) {
		near := len(c.Path) - len(other.Path)
		if len(other.Path) <= len(c.Path) && near <= 1 && other.title() != c.title() &&
			(strings.HasPrefix(c.Name(), other.Name()+" ") || near == 0 && beside(c, other)) {
			titles = append(titles, other.title())
		}
	})
	slices.Sort(titles)
	if len(titles) == 0 {
		return
	}
	p.macro("Sh", "SEE ALSO")
	for i, title := range titles {
		if i < len(titles)-1 {
			fmt.Fprintf(p, ".Xr %s 1 ,\n", title)
		} else {
			fmt.Fprintf(p, ".Xr %s 1\n", title)
		}
	}
}

func beside(a, b Command) bool {
	above := len(a.Path) - 1
	return strings.Join(a.Path[:above], " ") == strings.Join(b.Path[:above], " ")
}

// escape makes plain text of a line that roff might take for a request.
func escape(line string) string {
	line = strings.ReplaceAll(line, `\`, `\e`)
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		line = `\&` + line
	}
	return line
}

// argument makes one argument of a word, which may be of several.
func argument(word string) string {
	word = strings.ReplaceAll(word, `\`, `\e`)
	if strings.ContainsAny(word, ` "`) {
		return `"` + strings.ReplaceAll(word, `"`, `""`) + `"`
	}
	return word
}
