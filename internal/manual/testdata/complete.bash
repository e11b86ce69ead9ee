# Prints what bash completes: bash complete.bash SCRIPT LINE...
source "$1"
shift
for typed; do
	echo "= $typed"
	read -ra COMP_WORDS <<<"$typed"
	[[ $typed == *" " ]] && COMP_WORDS+=("")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_fleet
	printf '%s\n' "${COMPREPLY[@]}"
done
