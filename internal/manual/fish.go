package manual

import "strings"

// fish writes one rule for each word that may follow a command.
func (s *script) fish(program Command) {
	name := program.Name()
	at := "__" + name + "_at"
	s.line("# fish completion for %s", name)
	s.line("# Tells whether the words typed are just this command, whatever flags are between.")
	s.line("function %s", at)
	s.line("\tset -l found")
	s.line("\tset -l skip")
	s.line("\tfor word in (commandline -opc)[2..-1]")
	s.line("\t\tif set -q skip[1]")
	s.line("\t\t\tset -e skip")
	s.line("\t\t\tset -l skip")
	s.line("\t\telse if contains -- $word%s", fishWords(program))
	s.line("\t\t\tset skip yes")
	s.line("\t\telse if contains -- \"$found $word\"%s", fishPaths(program))
	s.line("\t\t\tset found \"$found $word\"")
	s.line("\t\tend")
	s.line("\tend")
	s.line("\ttest \"$found\" = \"$argv[1]\"")
	s.line("end\n")
	s.line("complete -c %s -f", name)
	program.Each(func(c Command) {
		when := "complete -c " + name + " -n " + single(at+` "`+c.fishPath()+`"`)
		for i, child := range c.names() {
			s.line("%s -a %s -d %s", when, child, single(c.Commands[i].Help))
		}
		for _, f := range c.Flags {
			s.line("%s%s", when, f.fish())
		}
		switch v := c.argument(); {
		case len(v.Choices) > 0:
			s.line("%s -a %s", when, single(strings.Join(v.Choices, " ")))
		case v.Kind == File:
			s.line("%s -F", when)
		}
	})
}

func (f Flag) fish() string {
	text := " -l " + f.Name
	if f.Short != "" {
		text += " -s " + f.Short
	}
	if f.Value != nil {
		switch {
		case len(f.Value.Choices) > 0:
			text += " -x -a " + single(strings.Join(f.Value.Choices, " "))
		case f.Value.Kind == File:
			text += " -r -F"
		case f.Value.Kind == Folder:
			text += ` -x -a "(__fish_complete_directories)"`
		default:
			text += " -x"
		}
	}
	return text + " -d " + single(f.Help)
}

// fishPath is the command with a space before each word.
func (c Command) fishPath() string {
	if len(c.Path) == 1 {
		return ""
	}
	return " " + c.below()
}

func fishPaths(program Command) (words string) {
	program.Each(func(c Command) {
		if len(c.Path) > 1 {
			words += " " + single(c.fishPath())
		}
	})
	return words
}

// fishWords are all flags that take a value.
func fishWords(program Command) (words string) {
	seen := make(map[string]bool)
	program.Each(func(c Command) {
		for _, word := range c.valued() {
			if !seen[word] {
				seen[word] = true
				words += " " + word
			}
		}
	})
	return words
}
