package crypt

// SealedSize returns the size of a content of plain bytes after encryption: the
// next greater multiple of 16.
func SealedSize(plain uint64) uint64 { return plain - plain%blockSize + blockSize }

// Sealer encrypts one content after another, as an Opener decrypts it, and
// computes both checksums of the plaintext. It is not for concurrent use.
type Sealer struct {
	cbc  cbcEncrypter
	sums Checksums
}

// NewSealer returns a Sealer at the start of a content to be encrypted with key,
// which is copied.
func NewSealer(key *Key) *Sealer {
	s := &Sealer{cbc: newCBCEncrypter()}
	s.Reset(key)
	return s
}

// Reset starts a new content.
func (s *Sealer) Reset(key *Key) {
	s.cbc.reset(key)
	s.sums = Checksums{}
}

// Wipe overwrites the key and the state of the content. Reset makes the Sealer
// usable again.
func (s *Sealer) Wipe() {
	s.cbc.wipe()
	s.sums = Checksums{}
}

// Seal encrypts src, the next piece of the plaintext, into dst[:len(src)]. Both
// may start at the same byte, but not overlap otherwise. It panics unless
// len(src) is a multiple of 16 and dst has room.
func (s *Sealer) Seal(dst, src []byte) {
	requireRoom(dst, len(src))
	if len(src)%blockSize != 0 {
		panic("crypt: a piece of plaintext that is not the last is not a multiple of 16 bytes")
	}
	s.sums.Write(src)
	s.cbc.encrypt(dst, src)
}

// SealLast encrypts src, the rest of the plaintext, of any length down to
// none, with its padding into dst, and returns the number of bytes
// written: SealedSize(len(src)). It panics unless dst has room for them. Both may start
// at the same byte, but not overlap otherwise. Reset comes next.
func (s *Sealer) SealLast(dst, src []byte) int {
	rest := len(src) % blockSize
	whole := len(src) - rest
	requireRoom(dst, whole+blockSize)
	s.Seal(dst, src[:whole])
	s.sums.Write(src[whole:])

	last := dst[whole : whole+blockSize]
	copy(last, src[whole:])
	for i := rest; i < blockSize; i++ {
		last[i] = byte(blockSize - rest)
	}
	s.cbc.encrypt(last, last)
	return whole + blockSize
}

func requireRoom(dst []byte, n int) {
	if len(dst) < n {
		panic("crypt: no room for the ciphertext")
	}
}

// Sums returns both checksums of the plaintext since Reset.
func (s *Sealer) Sums() Sums { return s.sums.Sums() }
