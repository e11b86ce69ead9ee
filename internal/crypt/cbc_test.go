package crypt

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"testing"
)

func TestQuick(t *testing.T) {
	for name, d := range cbcDecrypters() {
		for n := 0; n < 4096; n += 16 {
			k := NewKey()
			buf := make([]byte, n)
			rand.Read(buf)
			want := make([]byte, n)
			cipher.NewCBCDecrypter(newAES(&k), make([]byte, 16)).CryptBlocks(want, buf)
			d.reset(&k)
			d.decrypt(buf)
			if !bytes.Equal(buf, want) {
				t.Fatal(name, n)
			}
		}
	}
}

func BenchmarkCBC(b *testing.B) {
	for name, d := range cbcDecrypters() {
		b.Run(name, func(b *testing.B) {
			k := NewKey()
			d.reset(&k)
			p := make([]byte, 256<<10)
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				d.decrypt(p)
			}
		})
	}
}
