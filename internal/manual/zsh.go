package manual

import (
	"fmt"
	"strings"
)

// zsh writes one function for each command.
func (s *script) zsh(program Command) {
	s.line("#compdef %s", program.Name())
	program.Each(func(c Command) {
		s.line("\n%s() {", c.function())
		if len(c.Commands) > 0 {
			s.zshCommands(c)
		} else {
			s.line("\t_arguments -s -S%s", strings.Join(c.zshSpecs(), ""))
		}
		s.line("}")
	})
	s.line("\nif [[ $funcstack[1] == %s ]]; then", program.function())
	s.line("\t%s \"$@\"", program.function())
	s.line("else")
	s.line("\tcompdef %s %s", program.function(), program.Name())
	s.line("fi")
}

func (s *script) zshCommands(c Command) {
	s.line("\tlocal context state state_descr line")
	s.line("\ttypeset -A opt_args")
	s.line("\tlocal -a commands=(")
	for i, name := range c.names() {
		s.line("\t\t%s", single(name+":"+zshText(c.Commands[i].Help)))
	}
	s.line("\t)")
	s.line("\t_arguments -C%s \\\n\t\t'1: :->command' \\\n\t\t'*:: :->rest'", strings.Join(c.zshFlags(), ""))
	s.line("\tcase $state in")
	s.line("\tcommand) _describe -t commands command commands ;;")
	s.line("\trest)")
	s.line("\t\tcase $words[1] in")
	for i, name := range c.names() {
		s.line("\t\t%s) %s ;;", name, c.Commands[i].function())
	}
	s.line("\t\tesac\n\t\t;;\n\tesac")
}

func (c Command) zshFlags() (specs []string) {
	for _, f := range c.Flags {
		for _, word := range f.words() {
			others := "(" + strings.Join(f.words(), " ") + ")"
			spec := others + word
			if f.Value != nil {
				if strings.HasPrefix(word, "--") {
					spec += "="
				} else {
					spec += "+"
				}
			}
			spec += "[" + zshText(f.Help) + "]"
			if f.Value != nil {
				spec += ":" + f.Value.Name + ":" + f.Value.zshAction()
			}
			specs = append(specs, " \\\n\t\t"+single(spec))
		}
	}
	return specs
}

func (c Command) zshSpecs() []string {
	specs := c.zshFlags()
	for i, a := range c.Arguments {
		place := fmt.Sprintf("%d:", i+1)
		switch {
		case a.Many:
			place = "*:"
		case a.Optional:
			place += ":"
		}
		specs = append(specs, " \\\n\t\t"+single(place+a.Value.Name+":"+a.Value.zshAction()))
	}
	return specs
}

func (v Value) zshAction() string {
	switch {
	case len(v.Choices) > 0:
		return "(" + strings.Join(v.Choices, " ") + ")"
	case v.Kind == File:
		return "_files"
	case v.Kind == Folder:
		return "_files -/"
	}
	return " "
}

// zshText escapes what ends a description.
func zshText(text string) string {
	return strings.NewReplacer(`\`, `\\`, ":", `\:`, "[", `\[`, "]", `\]`).Replace(text)
}
