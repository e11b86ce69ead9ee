// Package program builds the program sealquay and runs it as a process of its
// own, which a proof may kill at any moment: nothing of the server's is in the
// process that judges it.
package program
