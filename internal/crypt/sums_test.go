package crypt

import (
	"bytes"
	"fmt"
	"math/bits"
	"testing"

	"pgregory.net/rapid"
)

// sumsUpdater is the signature of updateSums.
type sumsUpdater func(crc, cksum uint32, p []byte) (uint32, uint32)

// referenceSums divides polynomials bit by bit, as POSIX (cksum) and
// ISO/IEC/IEEE 8802-3, section 3.2.9 (CRC-32, lowest bit of a byte first) describe it.
func referenceSums(crc, cksum uint32, p []byte) (uint32, uint32) {
	register := bits.Reverse32(^crc)
	for _, b := range p {
		for i := range 8 {
			register = divideBit(register, b>>i&1)
			cksum = divideBit(cksum, b>>(7-i)&1)
		}
	}
	return ^bits.Reverse32(register), cksum
}

func divideBit(register uint32, bit byte) uint32 {
	top := register >> 31
	register <<= 1
	if top != uint32(bit) {
		register ^= 0x04C11DB7
	}
	return register
}

func TestSumsMatchReferenceAtEveryLength(t *testing.T) {
	p := patterned(4096)
	for name, update := range sumsUpdaters() {
		const startCRC, startCksum = 0x01234567, 0x89ABCDEF
		wantCRC, wantCksum := uint32(startCRC), uint32(startCksum)
		for n := 0; ; n++ {
			if crc, cksum := update(startCRC, startCksum, p[:n]); crc != wantCRC || cksum != wantCksum {
				t.Fatalf("%s: %d bytes: %08x %08x, want %08x %08x", name, n, crc, cksum, wantCRC, wantCksum)
			}
			if n == len(p) {
				break
			}
			wantCRC, wantCksum = referenceSums(wantCRC, wantCksum, p[n:n+1])
		}
	}
}

func TestSumsMatchReference(t *testing.T) {
	for name, update := range sumsUpdaters() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				alignment := rapid.IntRange(0, 64).Draw(t, "alignment")
				p := append(make([]byte, alignment), rapid.SliceOfN(rapid.Byte(), 0, 1200).Draw(t, "p")...)[alignment:]
				startCRC, startCksum := rapid.Uint32().Draw(t, "crc"), rapid.Uint32().Draw(t, "cksum")
				original := bytes.Clone(p)
				crc, cksum := update(startCRC, startCksum, p)
				if wantCRC, wantCksum := referenceSums(startCRC, startCksum, p); crc != wantCRC || cksum != wantCksum {
					t.Fatalf("%08x %08x, want %08x %08x", crc, cksum, wantCRC, wantCksum)
				}
				if !bytes.Equal(p, original) {
					t.Fatal("the input changed")
				}
			})
		})
	}
}

func FuzzCksum(f *testing.F) {
	for _, n := range []int{0, 1, 15, 16, 17, 64, 255, 256, 257, 1000} {
		f.Add(uint32(n), patterned(n), n/3)
	}
	f.Fuzz(func(t *testing.T, start uint32, p []byte, cut int) {
		cut = int(uint(cut) % uint(len(p)+1))
		wantCRC, wantCksum := referenceSums(^start, start, p)
		for name, update := range sumsUpdaters() {
			crc, cksum := update(^start, start, p[:cut])
			crc, cksum = update(crc, cksum, p[cut:])
			if crc != wantCRC || cksum != wantCksum {
				t.Errorf("%s: %08x %08x, want %08x %08x", name, crc, cksum, wantCRC, wantCksum)
			}
		}
	})
}

// BenchmarkChecksums is both checksums together.
func BenchmarkChecksums(b *testing.B) {
	for name, update := range sumsUpdaters() {
		for _, size := range []int{16, 1 << 10, 256 << 10} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				p := make([]byte, size)
				b.SetBytes(int64(size))
				for b.Loop() {
					update(1, 1, p)
				}
			})
		}
	}
}

// BenchmarkCksum is POSIX cksum alone where a kernel has it alone, in pure Go elsewhere.
func BenchmarkCksum(b *testing.B) {
	for name, update := range cksumUpdaters() {
		b.Run(name, func(b *testing.B) {
			p := make([]byte, 256<<10)
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				update(1, p)
			}
		})
	}
}
