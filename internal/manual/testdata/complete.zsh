# Prints what zsh completes: zsh -f complete.zsh SCRIPT LINE...
# Completion works in an interactive shell only, so one is started on a pseudo-terminal.
zmodload zsh/zpty
zpty shell zsh -f -i
say() { zpty -w shell "$1" }
say 'unsetopt zle_bracketed_paste; PS1= PS2= RPS1='
say "autoload -Uz compinit && compinit -u -D && source ${(q)1}"
say "zstyle ':completion:*' list-grouped false"
# compadd prints what it is given to add, instead of adding it.
say 'compadd() {
	if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
	local -a hits; builtin compadd -A hits "$@"
	local hit; for hit in $hits; do print -r -- "hit:$hit"; done
}'
say 'null-line() { zle kill-buffer }; complete-and-say() { zle complete-word; print -r -- "done:" ; zle kill-buffer }'
say 'zle -N complete-and-say; bindkey "^X^X" complete-and-say; print -r -- "rea""dy:"'
while zpty -r shell line '*'$'\n'; do [[ $line == ready:* ]] && break; done
shift
for typed; do
	print -r -- "= $typed"
	zpty -w -n shell "$typed"$'\C-X\C-X'
	while zpty -r shell line '*'$'\n'; do
		line=${${line%%$'\n'}%$'\r'}
		[[ $line == *done:* ]] && break
		[[ $line == *hit:* ]] && print -r -- "${line#*hit:}"
	done
done
zpty -d shell
