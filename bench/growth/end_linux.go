package main

import (
	"os/exec"
	"syscall"
)

// endWithParent makes a command that is not started yet end with this program,
// whatever ends that.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
