package main

import (
	"os"
	"runtime"
)

// addForLoops lets the runtime run as many threads more as there are event loops.
// A loop that waits for its connections does so in a system call, and the
// runtime lets it keep its place among the GOMAXPROCS until it notices, up to
// 10 ms later. With as many loops as places nobody else would run meanwhile, though
// the processors are idle (docs/DECISIONS.md). Who sets GOMAXPROCS is obeyed.
// It is to be called once, when all that goes by the number of processors is made.
func addForLoops(loops int) {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + loops)
	}
}
