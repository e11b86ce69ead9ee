//go:build !purego

package crypt

import "golang.org/x/sys/cpu"

// schedule holds the round keys of AES-128 in the order of their use: those of
// the cipher (FIPS 197, section 5.2) or of the equivalent inverse cipher
// (section 5.3.5).
type schedule [11][blockSize]byte

//go:noescape
func expandForward(schedule *schedule, key *Key)

//go:noescape
func expandInverse(schedule *schedule, key *Key)

// encryptAESNI encrypts src into dst. iv holds the block of ciphertext before,
// and then the last. dst is at least as long as src, a multiple of 16.
//
//go:noescape
func encryptAESNI(schedule *schedule, iv *[blockSize]byte, dst, src []byte)

// decryptAESNI decrypts in place with eight blocks in flight. iv holds the block of
// ciphertext before p, and then p's last. len(p) is a multiple of 16.
//
//go:noescape
func decryptAESNI(schedule *schedule, iv *[blockSize]byte, p []byte)

// decryptVAES is the same with thirty-two blocks in flight, four to a 512-bit register.
//
//go:noescape
func decryptVAES(schedule *schedule, iv *[blockSize]byte, p []byte)

// decryptVAES256 is the same with sixteen blocks in flight, two to a 256-bit register.
// len(p) is a multiple of 256.
//
//go:noescape
func decryptVAES256(schedule *schedule, iv *[blockSize]byte, p []byte)

// openVAES decrypts as decryptVAES does, and makes lanes of the plaintext as foldVPCLMUL
// does. len(p) is a positive multiple of 512.
//
//go:noescape
func openVAES(schedule *schedule, iv *[blockSize]byte, lanes *[2][16]byte, crc32, cksum uint32, p []byte)

// hasAESNI says whether all of the above but those of VAES can run here: the rest is
// SSE2, which belongs to amd64.
func hasAESNI() bool { return cpu.X86.HasAES }

// hasVAES says whether decryptVAES can run here too. Package cpu reports AVX-512 only
// where the operating system saves the 512-bit registers and the masks.
func hasVAES() bool {
	return hasAESNI() && cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512VAES
}

// hasVAES256 says whether decryptVAES256 can run here, with decryptAESNI after it.
func hasVAES256() bool { return hasAESNI() && hasVAESAVX2() }

// newCBCDecrypter returns the fastest decrypter that the CPU can run.
func newCBCDecrypter() cbcDecrypter {
	switch {
	case hasVAES() && hasVPCLMUL():
		return new(vaesOpener)
	case hasVAES():
		return new(vaesDecrypter)
	case hasVAES256():
		return new(vaes256Decrypter)
	case hasAESNI():
		return new(aesniDecrypter)
	}
	return new(standardDecrypter)
}

// newCBCEncrypter returns the fastest encrypter that the CPU can run.
func newCBCEncrypter() cbcEncrypter {
	if hasAESNI() {
		return new(aesniEncrypter)
	}
	return new(standardEncrypter)
}

// cbcState is what the kernels keep between two pieces.
type cbcState struct {
	schedule schedule
	iv       [blockSize]byte
}

func (s *cbcState) wipe() { *s = cbcState{} }

type aesniDecrypter struct{ cbcState }

func (d *aesniDecrypter) reset(key *Key) {
	expandInverse(&d.schedule, key)
	clear(d.iv[:])
}

func (d *aesniDecrypter) decrypt(p []byte) { decryptAESNI(&d.schedule, &d.iv, p) }

type vaesDecrypter struct{ aesniDecrypter }

func (d *vaesDecrypter) decrypt(p []byte) { decryptVAES(&d.schedule, &d.iv, p) }

type vaes256Decrypter struct{ aesniDecrypter }

func (d *vaes256Decrypter) decrypt(p []byte) {
	n := len(p) &^ 255
	decryptVAES256(&d.schedule, &d.iv, p[:n])
	d.aesniDecrypter.decrypt(p[n:])
}

// vaesOpener computes the checksums on the way.
type vaesOpener struct{ vaesDecrypter }

func (d *vaesOpener) decryptSummed(p []byte, sums *Checksums) (rest []byte) {
	if n := len(p) &^ 511; n != 0 {
		var lanes [2][16]byte
		openVAES(&d.schedule, &d.iv, &lanes, ^sums.crc32, sums.cksum, p[:n])
		sums.crc32, sums.cksum = finishLanes(&lanes)
		sums.length += uint64(n)
		p = p[n:]
	}
	return p
}

type aesniEncrypter struct{ cbcState }

func (e *aesniEncrypter) reset(key *Key) {
	expandForward(&e.schedule, key)
	clear(e.iv[:])
}

func (e *aesniEncrypter) encrypt(dst, src []byte) { encryptAESNI(&e.schedule, &e.iv, dst, src) }
