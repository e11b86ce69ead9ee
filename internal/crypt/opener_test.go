package crypt

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// Whatever the client seals, in whatever pieces, the server opens, in whatever others.
func TestOpenerOpensWhatSealerSeals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := NewKey()
		plain := rapid.SliceOfN(rapid.Byte(), 0, 5000).Draw(t, "plain")
		sealed := sealInPieces(t, &key, plain)
		opener := NewOpener(&key, new([32]byte))
		got, sums, ok := openInPieces(t, opener, sealed)
		var direct Checksums
		direct.Write(plain)
		if !ok || !bytes.Equal(got, plain) || sums != direct.Sums() {
			t.Fatal("not what was sealed")
		}
	})
}

func sealInPieces(t *rapid.T, key *Key, plain []byte) []byte {
	sealer := NewSealer(key)
	sealed := make([]byte, SealedSize(uint64(len(plain))))
	done := 0
	for len(plain)-done >= blockSize && rapid.Bool().Draw(t, "seal more") {
		n := blockSize * rapid.IntRange(1, (len(plain)-done)/blockSize).Draw(t, "blocks")
		sealer.Seal(sealed[done:], plain[done:done+n])
		done += n
	}
	if n := sealer.SealLast(sealed[done:], plain[done:]); done+n != len(sealed) {
		t.Fatalf("sealed %d bytes, not %d", done+n, len(sealed))
	}
	var direct Checksums
	direct.Write(plain)
	if sealer.Sums() != direct.Sums() {
		t.Fatal("the sealer's sums are wrong")
	}
	return sealed
}

func openInPieces(t *rapid.T, opener *Opener, content []byte) (plain []byte, sums Sums, ok bool) {
	p := bytes.Clone(content)
	done := 0
	for len(p)-done > blockSize && rapid.Bool().Draw(t, "open more") {
		n := blockSize * rapid.IntRange(1, (len(p)-done)/blockSize-1).Draw(t, "blocks")
		opener.Open(p[done : done+n])
		done += n
	}
	n, sums, ok := opener.OpenLast(p[done:])
	return p[:done+n], sums, ok
}
