package crypt

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

var testSecret = [32]byte{7, 31: 9}

// encryptBlocks encrypts whole blocks as they are, without padding of its own:
// the way to make content that does not decrypt.
func encryptBlocks(key *Key, plain []byte) []byte {
	content := make([]byte, len(plain))
	NewSealer(key).Seal(content, plain)
	return content
}

func sumsOf(p []byte) Sums {
	var sums Checksums
	sums.Write(p)
	return sums.Sums()
}

// Whatever the client seals, in whatever pieces, the server opens, in whatever others.
func TestOpenerOpensWhatSealerSeals(t *testing.T) {
	opener, sealer := NewOpener(new(Key), &testSecret), NewSealer(new(Key))
	rapid.Check(t, func(t *rapid.T) {
		key := Key(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key"))
		plain := patterned(rapid.IntRange(0, 3000).Draw(t, "length"))
		sealer.Reset(&key)
		content := sealInPieces(t, sealer, plain)
		opener.Reset(&key)
		got, sums, ok := openInPieces(t, opener, content)
		if !ok || !bytes.Equal(got, plain) || sums != sumsOf(plain) {
			t.Fatal("not what was sealed")
		}
	})
}

// Every number of blocks that takes another way through the kernels, behind every
// other that leaves the checksums and the last block of ciphertext in another state.
func TestOpenersAgreeAtEveryLength(t *testing.T) {
	key := NewKey()
	content := patterned(2*1536 + 64)
	plain := decryptStandard(&key, make([]byte, 16), content)
	for name, d := range cbcDecrypters() {
		o := &Opener{cbc: d, secret: testSecret}
		for first := blockSize; first <= 1536; first += blockSize {
			second := 1536 + blockSize - first
			for _, n := range []int{first + second, first + 512, first + 256 + 16} {
				got := bytes.Clone(content)
				o.Reset(&key)
				o.Open(got[:first])
				o.Open(got[first:n])
				if !bytes.Equal(got[:n], plain[:n]) || !bytes.Equal(got[n:], content[n:]) {
					t.Fatalf("%s: %d bytes behind %d come out wrong", name, n-first, first)
				}
				if o.sums.Sums() != sumsOf(plain[:n]) {
					t.Fatalf("%s: the sums of %d bytes behind %d are wrong", name, n-first, first)
				}
			}
		}
	}
}

func sealInPieces(t *rapid.T, sealer *Sealer, plain []byte) []byte {
	content := make([]byte, SealedSize(uint64(len(plain))))
	done := 0
	for len(plain)-done >= blockSize && rapid.Bool().Draw(t, "seal more") {
		n := blockSize * rapid.IntRange(1, (len(plain)-done)/blockSize).Draw(t, "blocks")
		sealer.Seal(content[done:], plain[done:done+n])
		done += n
	}
	if n := sealer.SealLast(content[done:], plain[done:]); done+n != len(content) {
		t.Fatalf("sealed %d bytes, not %d", done+n, len(content))
	}
	if sealer.Sums() != sumsOf(plain) {
		t.Fatal("the sealer's sums are wrong")
	}
	return content
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

// Sealing in place, as a client with one buffer does.
func TestSealerInPlace(t *testing.T) {
	key := NewKey()
	for n := range 100 {
		plain := patterned(n)
		separate := make([]byte, SealedSize(uint64(n)))
		NewSealer(&key).SealLast(separate, plain)
		inPlace := make([]byte, len(separate))
		copy(inPlace, plain)
		NewSealer(&key).SealLast(inPlace, inPlace[:n])
		if !bytes.Equal(inPlace, separate) {
			t.Fatalf("%d bytes sealed in place differ", n)
		}
	}
}

// Every last block that is nearly padding: each padding, with each byte right
// or wrong in its turn, and each value of the last byte.
func TestExaminePadding(t *testing.T) {
	check := func(block [16]byte) {
		wantPadding, wantGood := naivePadding(block)
		padding, good := examinePadding(&block)
		if (good == 0xffffffff) != wantGood || good != 0 && good != 0xffffffff {
			t.Errorf("%x: good %#x, want %v", block, good, wantGood)
		}
		if wantGood && int(padding) != wantPadding {
			t.Errorf("%x: padding %d, want %d", block, padding, wantPadding)
		}
	}
	for value := range 256 {
		for count := range 17 {
			var block [16]byte
			for i := 16 - count; i < 16; i++ {
				block[i] = byte(value)
			}
			check(block)
			for wrong := range 16 {
				for _, difference := range []byte{1, 0x10, 0x80, 0xff} {
					damaged := block
					damaged[wrong] ^= difference
					check(damaged)
				}
			}
		}
	}
}

// naivePadding reads PKCS#7 padding as anyone would: RFC 5652, section 6.3.
func naivePadding(block [16]byte) (padding int, good bool) {
	padding = int(block[15])
	if padding < 1 || padding > 16 {
		return 0, false
	}
	for _, b := range block[16-padding:] {
		if int(b) != padding {
			return 0, false
		}
	}
	return padding, true
}

func TestOpenLastOfBadPadding(t *testing.T) {
	key := NewKey()
	lengths := make(map[int]int)
	seen := make(map[Sums]bool)
	for i := range 2000 {
		plain := patterned(64 + 16*(i%3))
		plain[len(plain)-1] = byte(17 + i%239)
		plain[0], plain[1] = byte(i), byte(i>>8)
		content := encryptBlocks(&key, plain)
		open := func(secret [32]byte) (int, Sums, []byte) {
			p := bytes.Clone(content)
			opener := NewOpener(&key, &secret)
			opener.Open(p[:32])
			n, sums, ok := opener.OpenLast(p[32:])
			if ok {
				t.Fatal("bad padding is ok")
			}
			return n, sums, p
		}
		n, sums, p := open(testSecret)
		padding := len(content) - 32 - n
		if padding < 1 || padding > 16 {
			t.Fatalf("%d bytes of padding", padding)
		}
		if !bytes.Equal(p, plain) {
			t.Fatal("the bytes to write are not the decrypted ones")
		}
		lengths[padding]++
		for cut := range 17 {
			if real := sumsOf(plain[:len(plain)-cut]); real.CRC32 == sums.CRC32 || real.Cksum == sums.Cksum {
				t.Fatal("a sum is a real one")
			}
		}
		if seen[sums] {
			t.Fatal("the same sums for other content")
		}
		seen[sums] = true
		if n2, sums2, _ := open(testSecret); n2 != n || sums2 != sums {
			t.Fatal("the same content is answered in two ways")
		}
		if _, sums3, _ := open([32]byte{1}); sums3 == sums {
			t.Fatal("the secret does not matter")
		}
	}
	for padding := 1; padding <= 16; padding++ {
		if lengths[padding] < 60 { // 125 expected, standard deviation 11
			t.Errorf("a padding of %d bytes came up %d times in 2000", padding, lengths[padding])
		}
	}
}

// The decoy is computed from each part of what the Opener knows.
func TestDecoyDependsOnAll(t *testing.T) {
	key := NewKey()
	fresh := func() *Opener { return NewOpener(&key, &testSecret) }
	last := new([16]byte)
	base := fresh().decoy(last)
	for name, change := range map[string]func(*Opener, *[16]byte){
		"secret, first byte": func(o *Opener, _ *[16]byte) { o.secret[0]++ },
		"secret, last byte":  func(o *Opener, _ *[16]byte) { o.secret[31]++ },
		"length":             func(o *Opener, _ *[16]byte) { o.sums.length += 1 << 32 },
		"crc32":              func(o *Opener, _ *[16]byte) { o.sums.crc32++ },
		"cksum":              func(o *Opener, _ *[16]byte) { o.sums.cksum++ },
		"last block, start":  func(_ *Opener, last *[16]byte) { last[0]++ },
		"last block, end":    func(_ *Opener, last *[16]byte) { last[15]++ },
	} {
		o, block := fresh(), *last
		change(o, &block)
		if o.decoy(&block) == base {
			t.Errorf("the decoy does not depend on: %s", name)
		}
	}
}

// The decoy is HMAC-SHA256, as package hmac computes it.
func TestDecoyIsHMAC(t *testing.T) {
	o := NewOpener(new(Key), &testSecret)
	o.sums = Checksums{crc32: 0x04030201, cksum: 0x08070605, length: 0x100f0e0d0c0b0a09}
	last := [16]byte(patterned(16))
	mac := hmac.New(sha256.New, testSecret[:])
	mac.Write([]byte{9, 10, 11, 12, 13, 14, 15, 16, 1, 2, 3, 4, 5, 6, 7, 8})
	mac.Write(last[:])
	if got, want := o.decoy(&last), mac.Sum(nil); !bytes.Equal(got[:], want) {
		t.Errorf("%x, want %x", got, want)
	}
}

func TestMisusePanics(t *testing.T) {
	opener, sealer := NewOpener(new(Key), &testSecret), NewSealer(new(Key))
	sized := func(n int) []byte { return make([]byte, n) }
	misuse := map[string]func(){
		"Seal of a fraction of a block": func() { sealer.Seal(sized(32), sized(17)) },
		"Seal without room":             func() { sealer.Seal(make([]byte, 31, 64), sized(32)) },
		"SealLast without room":         func() { sealer.SealLast(make([]byte, 16, 64), sized(16)) },
	}
	for _, n := range []int{0, 1, 15, 17, 31} {
		misuse[fmt.Sprint("Open ", n)] = func() { opener.Open(sized(n)) }
		misuse[fmt.Sprint("OpenLast ", n)] = func() { opener.OpenLast(sized(n)) }
	}
	for name, f := range misuse {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func TestOpenerAndSealerDoNotAllocate(t *testing.T) {
	key := NewKey()
	o, s := NewOpener(&key, &testSecret), NewSealer(&key)
	p := make([]byte, 4096)
	if n := testing.AllocsPerRun(100, func() {
		o.Open(p)
		o.OpenLast(p)
		s.Seal(p, p)
		s.SealLast(p, p[:4090])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// wipeRecorder notes that it was told to wipe.
type wipeRecorder struct {
	cbcDecrypter
	cbcEncrypter
	wiped bool
}

func (r *wipeRecorder) reset(*Key) {}
func (r *wipeRecorder) wipe()      { r.wiped = true }

func TestWipeReachesEverything(t *testing.T) {
	key := NewKey()
	o, s := NewOpener(&key, &testSecret), NewSealer(&key)
	block := make([]byte, blockSize)
	o.Open(block)
	s.Seal(block, block)
	var opening, sealing wipeRecorder
	o.cbc, s.cbc = &opening, &sealing
	o.Wipe()
	s.Wipe()
	if o.sums != (Checksums{}) || s.sums != (Checksums{}) {
		t.Error("the state of the content is left")
	}
	if !opening.wiped || !sealing.wiped {
		t.Error("the key is left")
	}
}

func TestResetAfterWipe(t *testing.T) {
	key := NewKey()
	o, s := NewOpener(&key, &testSecret), NewSealer(&key)
	o.Wipe()
	s.Wipe()
	o.Reset(&key)
	s.Reset(&key)
	content := make([]byte, 32)
	s.SealLast(content, patterned(20))
	if n, sums, ok := o.OpenLast(content); !ok || n != 20 || sums != sumsOf(patterned(20)) {
		t.Error("not usable")
	}
}

// FuzzOpenerMatchesStandardLibrary holds every decrypter, in pieces and in
// place, against crypto/cipher with padding read the plain way.
func FuzzOpenerMatchesStandardLibrary(f *testing.F) {
	for _, n := range []int{16, 32, 48, 64, 128, 144, 496, 512, 528, 1040, 1056, 2064} {
		f.Add([]byte("a key, 16 bytes!"), patterned(n), uint16(n/2), uint8(n/16), n%32 == 0)
	}
	f.Fuzz(func(t *testing.T, keyBytes, content []byte, cut uint16, alignment uint8, padded bool) {
		var key Key
		copy(key[:], keyBytes)
		content = content[:len(content)&^15]
		if padded { // otherwise good padding hardly ever comes up
			sealed := make([]byte, SealedSize(uint64(len(content))))
			NewSealer(&key).SealLast(sealed, content)
			content = sealed
		}
		if len(content) == 0 {
			return
		}
		plain := decryptStandard(&key, make([]byte, 16), content)
		padding, wantOK := naivePadding([16]byte(plain[len(plain)-16:]))
		first := int(cut) % len(content) &^ 15
		for name, d := range cbcDecrypters() {
			buffer := append(make([]byte, alignment), content...)
			p := buffer[alignment:]
			o := &Opener{cbc: d, secret: testSecret}
			o.Reset(&key)
			if first > 0 {
				o.Open(p[:first])
			}
			n, sums, ok := o.OpenLast(p[first:])
			if !bytes.Equal(p, plain) || ok != wantOK {
				t.Fatalf("%s: other plaintext, or ok = %v", name, ok)
			}
			if ok && (first+n != len(plain)-padding || sums != sumsOf(plain[:first+n])) {
				t.Fatalf("%s: length %d, sums %x", name, first+n, sums)
			}
			if !ok && (n <= len(p)-first-17 || n >= len(p)-first) {
				t.Fatalf("%s: a length of %d for bad padding", name, n)
			}
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	key := NewKey()
	o := NewOpener(&key, &testSecret)
	p := make([]byte, 256<<10)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		o.Open(p)
	}
}

// BenchmarkOpenSmall is a whole content of 1 KiB, key schedule included.
func BenchmarkOpenSmall(b *testing.B) {
	key := NewKey()
	o := NewOpener(&key, &testSecret)
	p := make([]byte, 1040)
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		o.Reset(&key)
		o.OpenLast(p)
	}
}

// BenchmarkSeal encrypts and computes both checksums.
func BenchmarkSeal(b *testing.B) {
	key := NewKey()
	s := NewSealer(&key)
	p := make([]byte, 256<<10)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		s.Seal(p, p)
	}
}
