package crypt

import (
	"crypto/aes"
	"crypto/cipher"
)

// cbcDecrypter decrypts AES-128-CBC in place, one content after another.
type cbcDecrypter interface {
	// reset starts a content: a key, and an IV of zeros.
	reset(key *Key)
	// decrypt decrypts the next len(p)/16 blocks in place; len(p) is a multiple of 16.
	decrypt(p []byte)
	// wipe overwrites all key material that can be reached.
	wipe()
}

// standardCBC is the standard library's, one block at a time.
type standardCBC struct{ mode cipher.BlockMode }

func (d *standardCBC) reset(key *Key) {
	d.mode = cipher.NewCBCDecrypter(newAES(key), make([]byte, aes.BlockSize))
}

func (d *standardCBC) decrypt(p []byte) { d.mode.CryptBlocks(p, p) }

// wipe can only let go: package aes does not give access to its key schedule.
func (d *standardCBC) wipe() { d.mode = nil }

func newAES(key *Key) cipher.Block {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // aes refuses only wrong sizes, and Key has one size
	}
	return block
}
