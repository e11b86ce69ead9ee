package confine

import (
	"errors"
	"fmt"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Process does what any system allows and no file needs: what is written is for
// this user alone (umask 077), no core is dumped, no other process of this user
// may look into the memory (PR_SET_DUMPABLE). It is to be called before the
// first file is made.
func Process() error {
	unix.Umask(0o077)
	core := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	dumpable := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	if core != nil {
		core = fmt.Errorf("switch off core dumps: %w", core)
	}
	if dumpable != nil {
		dumpable = fmt.Errorf("close the memory to others: %w", dumpable)
	}
	return errors.Join(core, dumpable)
}

// noNewPrivileges keeps programs with set-user-id bits from giving the process
// or its children more than it has.
func noNewPrivileges() error {
	// Of all threads, with cgo, too: a program is started by any of them.
	if err := ll.AllThreadsPrctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	return nil
}
