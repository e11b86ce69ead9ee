package crypt

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"testing"

	"pgregory.net/rapid"
)

// referenceCksum adds p to the register bit by bit: the division that POSIX
// describes.
func referenceCksum(register uint32, p []byte) uint32 {
	for _, b := range p {
		for bit := 7; bit >= 0; bit-- {
			top := register >> 31
			register = register << 1
			if top != uint32(b>>bit&1) {
				register ^= 0x04C11DB7
			}
		}
	}
	return register
}

func TestCksumMatchesReferenceAtEveryLength(t *testing.T) {
	p := patterned(4096)
	for name, update := range cksumUpdaters() {
		const start = 0x89ABCDEF
		want := uint32(start)
		for n := 0; ; n++ {
			if got := update(start, p[:n]); got != want {
				t.Fatalf("%s: %d bytes: %08x, want %08x", name, n, got, want)
			}
			if n == len(p) {
				break
			}
			want = referenceCksum(want, p[n:n+1])
		}
	}
}

func TestCksumMatchesReference(t *testing.T) {
	for name, update := range cksumUpdaters() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				alignment := rapid.IntRange(0, 64).Draw(t, "alignment")
				p := append(make([]byte, alignment), rapid.SliceOfN(rapid.Byte(), 0, 1200).Draw(t, "p")...)[alignment:]
				start := rapid.Uint32().Draw(t, "register")
				original := bytes.Clone(p)
				if got, want := update(start, p), referenceCksum(start, p); got != want {
					t.Fatalf("%08x, want %08x", got, want)
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
		want := referenceCksum(start, p)
		for name, update := range cksumUpdaters() {
			if got := update(update(start, p[:cut]), p[cut:]); got != want {
				t.Errorf("%s: %08x, want %08x", name, got, want)
			}
		}
	})
}

func BenchmarkCksum(b *testing.B) {
	for name, update := range cksumUpdaters() {
		for _, size := range []int{16, 1 << 10, 256 << 10} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				p := make([]byte, size)
				b.SetBytes(int64(size))
				for b.Loop() {
					update(1, p)
				}
			})
		}
	}
}

// BenchmarkCRC32 is the standard library's, for comparison.
func BenchmarkCRC32(b *testing.B) {
	p := make([]byte, 256<<10)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		crc32.ChecksumIEEE(p)
	}
}
