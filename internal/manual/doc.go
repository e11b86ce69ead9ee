// Package manual writes what a command line's users expect beside it: manual
// pages and completion scripts for bash, zsh and fish. All of it comes from
// kong's model of the commands, so that it is as true as --help.
package manual
