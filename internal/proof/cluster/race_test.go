//go:build race

package main

// raced says that the race detector watches this process, which the nodes are not.
const raced = true
