//go:build !linux

// Command cluster runs on Linux only.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "cluster: this proof runs on Linux")
	os.Exit(2)
}
