//go:build !amd64 || purego

package crypt

// updateSums adds p to both: crc is a finished CRC-32, as package crc32 keeps
// it, cksum a register.
func updateSums(crc, cksum uint32, p []byte) (uint32, uint32) {
	return updateSumsGeneric(crc, cksum, p)
}
