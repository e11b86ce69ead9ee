package crypt

import (
	"crypto/aes"
	"crypto/cipher"
)

const blockSize = aes.BlockSize

// cbcDecrypter decrypts AES-128-CBC in place, one content after another.
type cbcDecrypter interface {
	// reset starts a content: a key, and an IV of zeros.
	reset(key *Key)
	// decrypt decrypts the next len(p)/16 blocks in place; len(p) is a multiple of 16.
	decrypt(p []byte)
	// wipe overwrites all key material that can be reached.
	wipe()
}

// summedDecrypter is a cbcDecrypter that reads the content once for both: while the
// plaintext is in registers it goes into the checksums.
type summedDecrypter interface {
	cbcDecrypter
	// decryptSummed decrypts the first blocks of p in place, as many as it can, and adds
	// them to sums. The rest is left to do.
	decryptSummed(p []byte, sums *Checksums) (rest []byte)
}

// cbcEncrypter encrypts AES-128-CBC, one content after another.
type cbcEncrypter interface {
	reset(key *Key)
	// encrypt encrypts the next len(src)/16 blocks into dst, which is at least as long.
	// Both may start at the same byte, but not overlap otherwise.
	encrypt(dst, src []byte)
	wipe()
}

// standardDecrypter is the standard library's, one block at a time.
type standardDecrypter struct{ mode cipher.BlockMode }

func (d *standardDecrypter) reset(key *Key) {
	d.mode = cipher.NewCBCDecrypter(newAES(key), make([]byte, blockSize))
}

func (d *standardDecrypter) decrypt(p []byte) { d.mode.CryptBlocks(p, p) }

// wipe can only let go: package aes does not give access to its key schedule.
func (d *standardDecrypter) wipe() { d.mode = nil }

// standardEncrypter is the standard library's.
type standardEncrypter struct{ mode cipher.BlockMode }

func (e *standardEncrypter) reset(key *Key) {
	e.mode = cipher.NewCBCEncrypter(newAES(key), make([]byte, blockSize))
}

func (e *standardEncrypter) encrypt(dst, src []byte) { e.mode.CryptBlocks(dst, src) }

// wipe can only let go, as above.
func (e *standardEncrypter) wipe() { e.mode = nil }

func newAES(key *Key) cipher.Block {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // aes refuses only wrong sizes, and Key has one size
	}
	return block
}
