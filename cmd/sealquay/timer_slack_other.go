//go:build !linux

package main

// sleepCoarsely does nothing: this system has no timer slack.
func sleepCoarsely() {}
