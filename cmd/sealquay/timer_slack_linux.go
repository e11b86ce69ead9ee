package main

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// timerSlack is by how many nanoseconds the kernel may be late to wake this
// process from a sleep, so that it wakes for several at once.
const timerSlack = 1_000_000

// sleepCoarsely gives the process timerSlack. The runtime looks after its
// threads every 20 microseconds while they come and go; that alone was a fifth
// of what an upload costs, or more (docs/DECISIONS.md). The slack belongs to a
// thread, and the runtime's is there already: so the program is executed once
// more, as the same process, which keeps the slack (prctl(2),
// PR_SET_TIMERSLACK). Where that cannot be, the server runs without. It is to
// be called before anything else.
func sleepCoarsely() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// A real-time thread keeps none, and would be executed for ever.
	if sleepsCoarsely() || unix.Prctl(unix.PR_SET_TIMERSLACK, timerSlack, 0, 0, 0) != nil || !sleepsCoarsely() {
		return
	}
	_ = syscall.Exec("/proc/self/exe", os.Args, os.Environ()) // it returns only if it fails
}

// sleepsCoarsely reports whether the calling thread has timerSlack.
func sleepsCoarsely() bool {
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	return err == nil && slack >= timerSlack
}
