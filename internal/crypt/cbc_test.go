package crypt

import (
	"bytes"
	"crypto/cipher"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// decryptStandard is what every implementation must agree with.
func decryptStandard(key *Key, iv, ciphertext []byte) []byte {
	plain := make([]byte, len(ciphertext))
	cipher.NewCBCDecrypter(newAES(key), iv).CryptBlocks(plain, ciphertext)
	return plain
}

func TestCBCKnownAnswer(t *testing.T) {
	for _, v := range readVectors(t, "testdata/sp800-38a-cbc-aes128.txt") {
		key, iv := Key(v.bytes(t, "key")), [16]byte(v.bytes(t, "iv"))
		want := v.bytes(t, "plaintext")
		ciphertext := v.bytes(t, "ciphertext")
		if got := referenceDecryptCBC(&key, iv, ciphertext); !bytes.Equal(got, want) {
			t.Errorf("reference: %x", got)
		}
		for name, d := range cbcDecrypters() {
			got := bytes.Clone(ciphertext)
			d.reset(&key)
			d.decrypt(got)
			for i := range iv { // the decrypters' IV is zero, and touches the first block only
				got[i] ^= iv[i]
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s: %x", name, got)
			}
		}
		sealed := make([]byte, len(want))
		for i := range iv {
			want[i] ^= iv[i]
		}
		NewSealer(&key).Seal(sealed, want)
		if !bytes.Equal(sealed, ciphertext) {
			t.Errorf("Sealer: %x", sealed)
		}
	}
}

// Every number of blocks that takes another way through the kernels, three times over.
func TestCBCMatchesStandardLibraryAtEveryLength(t *testing.T) {
	key := NewKey()
	ciphertext := patterned(3 * 32 * blockSize)
	for name, d := range cbcDecrypters() {
		for n := 0; n <= len(ciphertext); n += blockSize {
			got := bytes.Clone(ciphertext)
			d.reset(&key)
			d.decrypt(got[:n])
			if !bytes.Equal(got[:n], decryptStandard(&key, make([]byte, 16), ciphertext[:n])) {
				t.Fatalf("%s: %d bytes come out wrong", name, n)
			}
			if !bytes.Equal(got[n:], ciphertext[n:]) {
				t.Fatalf("%s: writes behind %d bytes", name, n)
			}
		}
	}
}

// Any bytes, at any alignment, in any pieces, agree with the reference; nothing
// around them changes.
func TestCBCMatchesReference(t *testing.T) {
	for name, d := range cbcDecrypters() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				key := Key(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key"))
				before := rapid.IntRange(0, 64).Draw(t, "alignment")
				after := rapid.IntRange(0, 64).Draw(t, "behind")
				blocks := rapid.IntRange(0, 80).Draw(t, "blocks")
				buffer := patterned(before + blocks*blockSize + after)
				original := bytes.Clone(buffer)
				content := buffer[before : before+blocks*blockSize]
				want := referenceDecryptCBC(&key, [16]byte{}, content)

				d.reset(&key)
				for rest := content; len(rest) > 0; {
					n := blockSize * rapid.IntRange(0, len(rest)/blockSize).Draw(t, "piece")
					d.decrypt(rest[:n])
					rest = rest[n:]
				}
				if !bytes.Equal(content, want) {
					t.Fatal("wrong plaintext")
				}
				end := before + len(content)
				if !bytes.Equal(buffer[:before], original[:before]) || !bytes.Equal(buffer[end:], original[end:]) {
					t.Fatal("bytes around the content changed")
				}
			})
		})
	}
}

// Any bytes, in place or not, in any pieces, are encrypted as the standard library does it.
func TestCBCEncryptMatchesStandardLibrary(t *testing.T) {
	for name, e := range cbcEncrypters() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				key := Key(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key"))
				plain := patterned(blockSize * rapid.IntRange(0, 40).Draw(t, "blocks"))
				want := make([]byte, len(plain))
				cipher.NewCBCEncrypter(newAES(&key), make([]byte, 16)).CryptBlocks(want, plain)

				alignment := rapid.IntRange(0, 16).Draw(t, "alignment")
				buffer := make([]byte, alignment+len(plain)+16)
				dst, src := buffer[alignment:], plain
				if rapid.Bool().Draw(t, "in place") {
					copy(dst, plain)
					src = dst[:len(plain)]
				}
				e.reset(&key)
				for done := 0; done < len(src); {
					n := blockSize * rapid.IntRange(0, (len(src)-done)/blockSize).Draw(t, "piece")
					e.encrypt(dst[done:], src[done:done+n])
					done += n
				}
				if !bytes.Equal(dst[:len(want)], want) {
					t.Fatal("wrong ciphertext")
				}
				if !bytes.Equal(dst[len(want):], make([]byte, 16)) || !bytes.Equal(buffer[:alignment], make([]byte, alignment)) {
					t.Fatal("bytes around the content changed")
				}
			})
		})
	}
}

// patterned returns bytes without period: a multiplicative generator's high bits.
func patterned(n int) []byte {
	p := make([]byte, n)
	x := uint64(n) | 1
	for i := range p {
		x *= 6364136223846793005
		p[i] = byte(x >> 56)
	}
	return p
}

func BenchmarkCBCDecrypt(b *testing.B) {
	for name, d := range cbcDecrypters() {
		for _, size := range []int{16, 1 << 10, 16 << 10, 256 << 10} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				key := NewKey()
				d.reset(&key)
				p := make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					d.decrypt(p)
				}
			})
		}
	}
}
