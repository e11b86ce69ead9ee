//go:build !amd64 || purego

package crypt

// updateCksum adds p to the register.
func updateCksum(register uint32, p []byte) uint32 { return updateCksumGeneric(register, p) }
