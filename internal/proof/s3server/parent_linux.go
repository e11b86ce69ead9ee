package s3server

import "syscall"

// endWithParent makes a process end with this one, whatever ends that.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
