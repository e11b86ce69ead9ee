//go:build !linux

package main

import "errors"

var errNotLinux = errors.New("loop devices and ext4 need Linux")

type disk struct{ at string }

func unsupported() error                     { return errNotLinux }
func newDisk(string, *device) (*disk, error) { return nil, errNotLinux }
func (*disk) mount() error                   { return errNotLinux }
func (*disk) unmount() error                 { return errNotLinux }
func (*disk) close() error                   { return errNotLinux }
