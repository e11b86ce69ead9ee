# Prints what fish completes: fish complete.fish SCRIPT LINE...
source $argv[1]
for typed in $argv[2..-1]
	echo "= $typed"
	complete -C $typed
end
