package crypt

import (
	"crypto/aes"
	"crypto/cipher"
)

// SealedSize returns the size of a content of plain bytes after encryption: the
// next greater multiple of 16.
func SealedSize(plain uint64) uint64 { return plain - plain%blockSize + blockSize }

// Sealer encrypts one content after another, as an Opener decrypts it, and
// computes both checksums of the plaintext. It is not for concurrent use.
type Sealer struct {
	cbc  cipher.BlockMode
	sums Checksums
}

// NewSealer returns a Sealer at the start of a content to be encrypted with key,
// which is copied.
func NewSealer(key *Key) *Sealer {
	s := new(Sealer)
	s.Reset(key)
	return s
}

// Reset starts a new content.
func (s *Sealer) Reset(key *Key) {
	s.cbc = cipher.NewCBCEncrypter(newAES(key), make([]byte, aes.BlockSize))
	s.sums = Checksums{}
}

// Seal encrypts src, the next piece of the plaintext, into dst[:len(src)]. They
// may be the same memory, but not overlap otherwise. It panics unless len(src)
// is a multiple of 16 and dst has room.
func (s *Sealer) Seal(dst, src []byte) {
	s.sums.Write(src)
	s.cbc.CryptBlocks(dst, src)
}

// SealLast encrypts src, the rest of the plaintext, of any length down to
// none, with its padding into dst, and returns the number of bytes
// written: SealedSize(len(src)). dst must have room for them; it may start where src starts, but
// not overlap it otherwise. Reset comes next.
func (s *Sealer) SealLast(dst, src []byte) int {
	whole := len(src) - len(src)%blockSize
	var last [blockSize]byte
	n := copy(last[:], src[whole:])
	s.Seal(dst, src[:whole])
	s.sums.Write(last[:n])
	for i := n; i < blockSize; i++ {
		last[i] = byte(blockSize - n)
	}
	s.cbc.CryptBlocks(dst[whole:whole+blockSize], last[:])
	return whole + blockSize
}

// Sums returns both checksums of the plaintext since Reset.
func (s *Sealer) Sums() Sums { return s.sums.Sums() }
