package crypt

import (
	"crypto/rand"
	"hash/crc32"
	"testing"
)

func TestCksumQuick(t *testing.T) {
	for name, update := range cksumUpdaters() {
		buf := make([]byte, 4096)
		rand.Read(buf)
		want := uint32(0x12345678)
		for n := range buf {
			if got := update(0x12345678, buf[:n]); got != want {
				t.Fatalf("%s %d", name, n)
			}
			want = stepCksum(want, buf[n])
		}
	}
}

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

func BenchmarkCRC32(b *testing.B) {
	p := make([]byte, 256<<10)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		crc32.ChecksumIEEE(p)
	}
}
