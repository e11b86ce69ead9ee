package crypt

import (
	"crypto/sha256"
	"encoding/binary"
)

// Opener decrypts one content after another: AES-128-CBC with an IV of zeros and
// PKCS#7 padding, in place, and computes both checksums of the plaintext.
//
// Open and OpenLast do not allocate, and neither does Reset where the CPU has a
// kernel: pool Openers. An Opener is not for concurrent use.
type Opener struct {
	cbc    cbcDecrypter
	sums   Checksums
	secret [32]byte
}

// NewOpener returns an Opener at the start of a content encrypted with key. The
// secret is random, one for the process: the answer to content that does not
// decrypt comes from it. Both are copied.
func NewOpener(key *Key, secret *[32]byte) *Opener {
	o := &Opener{cbc: newCBCDecrypter(), secret: *secret}
	o.Reset(key)
	return o
}

// Reset starts a new content encrypted with key and forgets everything about the
// last one. The secret stays.
func (o *Opener) Reset(key *Key) {
	o.cbc.reset(key)
	o.sums = Checksums{}
}

// Wipe overwrites the key and the state of the content. Reset makes the Opener
// usable again.
func (o *Opener) Wipe() {
	o.cbc.wipe()
	o.sums = Checksums{}
}

// Open decrypts p in place: the next piece of the content, and not its last
// block. It panics unless len(p) is a positive multiple of 16. Pieces that fit
// the second-level cache (256 KiB do) are the fastest: each is read up to three
// times.
func (o *Opener) Open(p []byte) {
	requireBlocks(p)
	o.open(p)
}

func (o *Opener) open(p []byte) {
	if d, ok := o.cbc.(summedDecrypter); ok {
		p = d.decryptSummed(p, &o.sums)
	}
	o.cbc.decrypt(p)
	o.sums.Write(p)
}

// OpenLast decrypts the last piece of the content in place: p[:n] is its
// plaintext, and sums are those of the whole content. It panics unless len(p) is
// a positive multiple of 16. Reset comes next.
//
// ok is false if the padding is wrong. Then n and sums look like any other: they
// are derived from the secret and the content, the same for the same bytes. The
// time taken and the memory touched do not depend on the padding. Write p[:n] and
// answer with sums in either case, and nothing tells them apart (protocol
// section 1, "State"); ok is for refusing to verify the copy later.
func (o *Opener) OpenLast(p []byte) (n int, sums Sums, ok bool) {
	requireBlocks(p)
	before := len(p) - blockSize
	o.open(p[:before])
	last := (*[blockSize]byte)(p[before:])
	o.cbc.decrypt(last[:])

	decoy := o.decoy(last)
	padding, good := examinePadding(last)
	padding = choose(good, padding, uint32(decoy[8]&15)+1)
	o.sums.writeSecret(last, blockSize-padding)

	sums = o.sums.Sums()
	sums.CRC32 = choose(good, sums.CRC32, binary.LittleEndian.Uint32(decoy[0:]))
	sums.Cksum = choose(good, sums.Cksum, binary.LittleEndian.Uint32(decoy[4:]))
	return len(p) - int(padding), sums, good != 0
}

func requireBlocks(p []byte) {
	if len(p) == 0 || len(p)%blockSize != 0 {
		panic("crypt: content is not a positive multiple of 16 bytes")
	}
}

// examinePadding returns the number of padding bytes, 1 to 16, and a mask that
// says whether they are right: RFC 5652, section 6.3. If the mask is zero the number
// means nothing. No branch and no index depends on the block.
func examinePadding(last *[blockSize]byte) (padding, good uint32) {
	padding = uint32(last[blockSize-1])
	good = ^maskLess(padding, 1) & maskLess(padding, blockSize+1)
	for i, b := range last {
		isPadding := maskLess(blockSize-1-uint32(i), padding)
		good &= ^isPadding | maskEqual(uint32(b), padding)
	}
	return padding, good
}

// decoy is a pseudorandom function of the secret and the content:
// HMAC-SHA256 (RFC 2104) over all that the Opener knows of the content. It is
// computed for every content.
func (o *Opener) decoy(last *[blockSize]byte) [sha256.Size]byte {
	var inner [sha256.BlockSize + 32]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	for i := range sha256.BlockSize {
		var b byte
		if i < len(o.secret) {
			b = o.secret[i]
		}
		inner[i], outer[i] = b^0x36, b^0x5c
	}
	message := inner[sha256.BlockSize:]
	binary.LittleEndian.PutUint64(message, o.sums.length)
	binary.LittleEndian.PutUint32(message[8:], o.sums.crc32)
	binary.LittleEndian.PutUint32(message[12:], o.sums.cksum)
	copy(message[16:], last[:])
	digest := sha256.Sum256(inner[:])
	copy(outer[sha256.BlockSize:], digest[:])
	return sha256.Sum256(outer[:])
}
