//go:build !purego

package crypt

import "golang.org/x/sys/cpu"

// inverseSchedule holds the round keys of the equivalent inverse cipher of
// AES-128 (FIPS 197, section 5.3.5), in the order of their use.
type inverseSchedule [11][blockSize]byte

//go:noescape
func expandInverse(schedule *inverseSchedule, key *Key)

// decryptAESNI decrypts in place with eight blocks in flight. iv holds the block of
// ciphertext before p, and then p's last.
//
//go:noescape
func decryptAESNI(schedule *inverseSchedule, iv *[blockSize]byte, p []byte)

// decryptVAES is the same with thirty-two blocks in flight, four to a 512-bit register.
//
//go:noescape
func decryptVAES(schedule *inverseSchedule, iv *[blockSize]byte, p []byte)

// hasAESNI says whether expandInverse and decryptAESNI can run here. SSE2 belongs to amd64.
func hasAESNI() bool { return cpu.X86.HasAES }

// hasVAES says whether decryptVAES can run here. Package cpu reports AVX-512 only where
// the operating system saves the 512-bit registers and the masks.
func hasVAES() bool {
	return cpu.X86.HasAES && cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512VAES
}

// newCBCDecrypter returns the fastest decrypter that the CPU can run.
func newCBCDecrypter() cbcDecrypter {
	switch {
	case hasVAES():
		return new(vaesCBC)
	case hasAESNI():
		return new(aesniCBC)
	}
	return new(standardCBC)
}

// assemblyCBC is what the kernels share.
type assemblyCBC struct {
	schedule inverseSchedule
	iv       [blockSize]byte
}

func (d *assemblyCBC) reset(key *Key) {
	expandInverse(&d.schedule, key)
	clear(d.iv[:])
}

func (d *assemblyCBC) wipe() {
	clear(d.schedule[:])
	clear(d.iv[:])
}

type aesniCBC struct{ assemblyCBC }

func (d *aesniCBC) decrypt(p []byte) { decryptAESNI(&d.schedule, &d.iv, p) }

type vaesCBC struct{ assemblyCBC }

func (d *vaesCBC) decrypt(p []byte) { decryptVAES(&d.schedule, &d.iv, p) }
