//go:build !linux

// Command migrate runs on Linux only.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "migrate: this proof runs on Linux")
	os.Exit(2)
}
