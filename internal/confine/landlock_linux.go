package confine

import (
	"fmt"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

const (
	read landlock.AccessFSSet = ll.AccessFSReadFile | ll.AccessFSReadDir
	// write has no execution, no devices, no sockets and no pipes.
	write = read | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSMakeReg | ll.AccessFSMakeDir |
		ll.AccessFSRemoveFile | ll.AccessFSRemoveDir | ll.AccessFSRefer
	// everything that can be done to files is forbidden unless a rule allows it.
	everything = write | ll.AccessFSExecute | ll.AccessFSMakeChar | ll.AccessFSMakeBlock | ll.AccessFSMakeSock |
		ll.AccessFSMakeFifo | ll.AccessFSMakeSym | ll.AccessFSIoctlDev
	readFile landlock.AccessFSSet = ll.AccessFSReadFile
)

// Landlock confines all threads of the process to what it needs, as far as the
// kernel can, and returns what is in force. The error is ErrUnsupported where
// there is no Landlock, and ErrPrograms where Needs.Execute rules it out; new
// privileges are given up then all the same.
func Landlock(n Needs) (inForce string, err error) {
	if err := noNewPrivileges(); err != nil {
		return "", err
	}
	if n.Execute {
		return "no_new_privs", ErrPrograms
	}
	version := Version()
	if version == 0 {
		return "no_new_privs", ErrUnsupported
	}
	rules, err := pathRules(n)
	if err != nil {
		return "no_new_privs", err
	}
	rights := landlock.AccessNetSet(ll.AccessNetBindTCP)
	if !n.Connect {
		rights |= ll.AccessNetConnectTCP
	}
	for _, port := range n.Bind {
		rules = append(rules, landlock.BindTCP(port))
	}
	// All in one: a second ruleset would forbid moving files between folders.
	config, err := landlock.NewConfig(everything, rights)
	if err != nil {
		return "no_new_privs", fmt.Errorf("describe what is confined: %w", err)
	}
	if err := config.BestEffort().Restrict(rules...); err != nil {
		return "no_new_privs", fmt.Errorf("confine the process: %w", err)
	}
	return describe(version, n), nil
}

// Version returns that of the kernel's interface to Landlock, 0 for none.
func Version() int {
	version, err := ll.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	return max(version, 0)
}

// describe says what a version of Landlock's interface confines.
func describe(version int, n Needs) string {
	inForce := fmt.Sprintf("no_new_privs, landlock %d: files", version)
	if version >= 4 {
		inForce += ", tcp bind"
		if !n.Connect {
			inForce += ", tcp connect"
		}
	}
	return inForce
}

// pathRules takes what is a file for a file: the rights of folders do not fit.
func pathRules(n Needs) ([]landlock.Rule, error) {
	rules := []landlock.Rule{landlock.PathAccess(write, n.Write...)}
	for _, path := range n.Read {
		isFolder, there, err := kind(path)
		switch {
		case err != nil:
			return nil, err
		case !there:
		case isFolder:
			rules = append(rules, landlock.PathAccess(read, path))
		default:
			rules = append(rules, landlock.PathAccess(readFile, path))
		}
	}
	return rules, nil
}
