package manual

import "strings"

// bash writes one function that finds the command among the words, and one that
// knows what each command takes.
func (s *script) bash(program Command) {
	name, f := program.Name(), program.function()
	s.line("# bash completion for %s", name)
	s.line("%s_takes() {", f)
	s.line("\tcommands= flags= valued=")
	s.line("\tcase $1 in")
	program.Each(func(c Command) {
		s.line("\t%s)", single(c.below()))
		s.line("\t\tcommands=%s", single(strings.Join(c.names(), " ")))
		var flags []string
		for _, flag := range c.Flags {
			flags = append(flags, flag.words()...)
		}
		s.line("\t\tflags=%s", single(strings.Join(flags, " ")))
		s.line("\t\tvalued=%s", single(" "+strings.Join(c.valued(), " ")+" "))
		s.line("\t\t;;")
	})
	s.line("\tesac\n}\n")
	s.line("# what a flag or, without one, an argument may be")
	s.line("%s_value() {", f)
	s.line("\tcase $1:$2 in")
	program.Each(func(c Command) {
		for _, flag := range c.Flags {
			if flag.Value != nil {
				for _, word := range flag.words() {
					s.bashValue(c.below()+":"+word, *flag.Value)
				}
			}
		}
		s.bashValue(c.below()+":", c.argument())
	})
	s.line("\tesac\n}\n")
	s.line("%s", strings.ReplaceAll(bashBody, "_program", f))
	s.line("complete -F %s %s", f, name)
}

func (s *script) bashValue(at string, v Value) {
	switch {
	case len(v.Choices) > 0:
		s.line("\t%s) COMPREPLY=($(compgen -W %s -- \"$cur\")) ;;", single(at), single(strings.Join(v.Choices, " ")))
	case v.Kind == File:
		s.line("\t%s) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;", single(at))
	case v.Kind == Folder:
		s.line("\t%s) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;", single(at))
	}
}

// bashBody goes through the words. Bash splits --flag=value into three.
const bashBody = `_program() {
	local cur=${COMP_WORDS[COMP_CWORD]} at= flag= word commands flags valued i
	COMPREPLY=()
	_program_takes ""
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word == = ]]; then
			continue
		elif [[ -n $flag ]]; then
			flag=
		elif [[ $valued == *" $word "* ]]; then
			flag=$word
		elif [[ $word != -* && " $commands " == *" $word "* ]]; then
			at=${at:+$at }$word
			_program_takes "$at"
		fi
	done
	[[ $cur == = ]] && cur=
	if [[ -n $flag ]]; then
		_program_value "$at" "$flag"
	elif [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$flags" -- "$cur"))
	else
		COMPREPLY=($(compgen -W "$commands" -- "$cur"))
		[[ -n ${COMPREPLY[*]} ]] || _program_value "$at" ""
	fi
}
`
