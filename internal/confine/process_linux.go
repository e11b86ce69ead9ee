package confine

import (
	"errors"
	"fmt"
	"syscall"

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
	_, _, failed := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	if failed == syscall.ENOTSUP { // with cgo; Landlock's library knows a way there
		return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	}
	if failed != 0 {
		return fmt.Errorf("give up new privileges: %w", failed)
	}
	return nil
}
