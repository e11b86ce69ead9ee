package crypt

import (
	"bytes"
	"hash/crc32"
	"testing"

	"pgregory.net/rapid"
)

func TestChecksumsKnownAnswer(t *testing.T) {
	for _, v := range readVectors(t, "testdata/checksums.txt") {
		message := bytes.Repeat(v.bytes(t, "text"), int(v.number(t, "times")))
		var sums Checksums
		sums.Write(message)
		if got, want := sums.Sum(CRC32), v.number(t, "crc32"); got != want {
			t.Errorf("%v: crc32 %d, want %d", v, got, want)
		}
		if got, want := sums.Sum(Cksum), v.number(t, "cksum"); got != want {
			t.Errorf("%v: cksum %d, want %d", v, got, want)
		}
	}
}

func TestChecksumsOfPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := patterned(rapid.IntRange(0, 3000).Draw(t, "length"))
		cut := rapid.IntRange(0, len(p)).Draw(t, "cut")
		var whole, pieces Checksums
		whole.Write(p)
		pieces.Write(p[:cut])
		pieces.Sums() // does not disturb what follows
		pieces.Write(p[cut:])
		if whole.Sums() != pieces.Sums() || whole.Sum(CRC32) != crc32.ChecksumIEEE(p) {
			t.Fatal("pieces differ from the whole")
		}
	})
}

func TestWriteSecretIsWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var secret, plain Checksums
		before := patterned(rapid.IntRange(0, 300).Draw(t, "before"))
		secret.Write(before)
		plain.Write(before)
		block := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "block"))
		n := rapid.IntRange(0, 16).Draw(t, "n")
		secret.writeSecret(&block, uint32(n))
		plain.Write(block[:n])
		if secret != plain {
			t.Fatalf("%+v, want %+v", secret, plain)
		}
	})
}

// Each width that the length of a message can have, at its ends.
func TestCksumLength(t *testing.T) {
	for _, length := range []uint64{0, 1, 0xff, 0x100, 0xffff, 0x10000, 0xff00ff, 0xffffffff, 1 << 32, 1<<64 - 1} {
		var digits []byte
		for rest := length; rest > 0; rest /= 256 {
			digits = append(digits, byte(rest%256))
		}
		_, register := referenceSums(0, 0xCAFE, digits)
		if got, want := finishCksum(0xCAFE, length), ^register; got != want {
			t.Errorf("length %#x: %08x, want %08x", length, got, want)
		}
	}
}

func TestMasks(t *testing.T) {
	interesting := []uint32{0, 1, 2, 15, 16, 17, 254, 255, 256, 1<<31 - 1}
	for _, a := range interesting {
		for _, b := range interesting {
			var less, equal uint32
			if a < b {
				less = 0xffffffff
			}
			if a == b {
				equal = 0xffffffff
			}
			if maskLess(a, b) != less || maskEqual(a, b) != equal {
				t.Errorf("masks of %d and %d", a, b)
			}
		}
	}
	if choose(0xffffffff, 3, 5) != 3 || choose(0, 3, 5) != 5 {
		t.Error("choose")
	}
}

func TestKindNames(t *testing.T) {
	sums := Sums{CRC32: 1, Cksum: 2}
	if CRC32.String() != "crc32" || Cksum.String() != "cksum" || sums.Of(CRC32) != 1 || sums.Of(Cksum) != 2 {
		t.Error("the kinds are mixed up")
	}
}
