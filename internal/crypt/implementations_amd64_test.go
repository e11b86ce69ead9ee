//go:build !purego

package crypt

import (
	"bytes"
	"fmt"
	"math/big"
	"math/bits"
	"slices"
	"testing"
)

// cbcDecrypters are the implementations that this CPU can run, by name.
func cbcDecrypters() map[string]cbcDecrypter {
	all := map[string]cbcDecrypter{"Standard": new(standardDecrypter)}
	if hasAESNI() {
		all["AESNI"] = new(aesniDecrypter)
	}
	if hasVAES() {
		all["VAES"] = new(vaesDecrypter)
	}
	if hasVAES() && hasVPCLMUL() {
		all["VAES+VPCLMUL"] = new(vaesOpener)
	}
	if hasVAES256() {
		all["VAES256"] = new(vaes256Decrypter)
	}
	return all
}

// cbcEncrypters are the implementations that this CPU can run, by name.
func cbcEncrypters() map[string]cbcEncrypter {
	all := map[string]cbcEncrypter{"Standard": new(standardEncrypter)}
	if hasAESNI() {
		all["AESNI"] = new(aesniEncrypter)
	}
	return all
}

// cksumUpdaters are the implementations of cksum alone.
func cksumUpdaters() map[string]func(uint32, []byte) uint32 {
	all := map[string]func(uint32, []byte) uint32{"Generic": updateCksum}
	if hasCLMUL() {
		all["CLMUL"] = cksumCLMUL
	}
	return all
}

// sumsUpdaters are the implementations that this CPU can run, by name.
func sumsUpdaters() map[string]sumsUpdater {
	all := map[string]sumsUpdater{"Generic": updateSumsGeneric}
	if hasCLMUL() {
		all["CLMUL"] = updateSumsCLMUL
	}
	if hasVPCLMUL() {
		all["VPCLMUL"] = updateSumsVPCLMUL
	}
	if hasVPCLMUL256() {
		all["VPCLMUL256"] = updateSumsVPCLMUL256
	}
	return all
}

func TestWipeClearsTheSchedule(t *testing.T) {
	if !hasAESNI() {
		t.Skip("this CPU has no AES instructions")
	}
	key := NewKey()
	d, e := new(aesniDecrypter), new(aesniEncrypter)
	d.reset(&key)
	e.reset(&key)
	block := make([]byte, blockSize)
	d.decrypt(block)
	e.encrypt(block, block)
	if d.schedule == (schedule{}) || e.schedule == (schedule{}) {
		t.Fatal("there is no schedule to wipe")
	}
	d.wipe()
	e.wipe()
	if *d != (aesniDecrypter{}) || *e != (aesniEncrypter{}) {
		t.Error("something is left")
	}
}

// The first and the last entry of the inverse schedule are the cipher's last and first
// round keys, and those between are the others through InvMixColumns.
func TestKeySchedules(t *testing.T) {
	if !hasAESNI() {
		t.Skip("this CPU has no AES instructions")
	}
	key := NewKey()
	w := referenceKeyExpansion(&key)
	var forward, got schedule
	expandForward(&forward, &key)
	for i, b := range forward {
		if want := slices.Concat(w[4*i][:], w[4*i+1][:], w[4*i+2][:], w[4*i+3][:]); !bytes.Equal(b[:], want) {
			t.Errorf("round key %d: %x, want %x", i, b, want)
		}
	}
	expandInverse(&got, &key)
	for round := range got {
		for c := range 4 {
			a := w[4*(10-round)+c]
			want := a
			if round != 0 && round != 10 {
				for r := range 4 {
					want[r] = multiply(0x0e, a[r]) ^ multiply(0x0b, a[(r+1)%4]) ^
						multiply(0x0d, a[(r+2)%4]) ^ multiply(0x09, a[(r+3)%4])
				}
			}
			if [4]byte(got[round][4*c:]) != want {
				t.Errorf("round key %d, word %d: %x, want %x", round, c, got[round][4*c:4*c+4], want)
			}
		}
	}
}

// The constants, computed by another way: x to the power of n, n times shifted.
func TestFoldingConstants(t *testing.T) {
	powerOfX := func(n int) uint64 {
		register := uint32(1)
		for range n {
			register = register<<1 ^ polynomial&-(register>>31)
		}
		return uint64(register)
	}
	check := func(name string, got []uint64, want ...uint64) {
		if !slices.Equal(got, want) {
			t.Errorf("%s: %#x, want %#x", name, got, want)
		}
	}
	for distance, got := range map[int][]uint64{
		128: foldBy128[:], 512: foldBy512[:], 2048: foldBy2048[:],
		384: foldLanes[0:2], 256: foldLanes[2:4],
	} {
		check(fmt.Sprint("a fold by ", distance), got, powerOfX(distance), powerOfX(distance+64))
	}
	for distance, got := range map[int][]uint64{
		512: foldReflectedBy512[:], 2048: foldReflectedBy2048[:],
		384: foldReflectedLanes[0:2], 256: foldReflectedLanes[2:4], 128: foldReflectedLanes[4:6],
	} {
		check(fmt.Sprint("a reflected fold by ", distance), got,
			bits.Reverse64(powerOfX(distance+63)), bits.Reverse64(powerOfX(distance-1)))
	}
	check("foldLanes", foldLanes[4:], foldBy128[0], foldBy128[1], 0, 0)
	check("foldReflectedLanes", foldReflectedLanes[6:], 0, 0)
	check("unfold", unfold[:], bits.Reverse64(inversePowerOfX(33)), inversePowerOfX(32))
	check("foldTo64", foldTo64[:], powerOfX(96), powerOfX(64))
	for i, from := range reverseBytes {
		if int(from) != 15-i {
			t.Errorf("reverseBytes: byte %d comes from %d", i, from)
		}
	}
	check("barrett", barrett[:], quotientByP(), 1<<32|polynomial)
}

// inversePowerOfX is x to the power of -n, n times divided by x.
func inversePowerOfX(n int) uint64 {
	register := uint64(1)
	for range n {
		register = (register ^ (1<<32|polynomial)&-(register&1)) >> 1
	}
	return register
}

// quotientByP is floor(x^64 / P), by long division of polynomials over GF(2).
func quotientByP() (quotient uint64) {
	remainder := new(big.Int).Lsh(big.NewInt(1), 64)
	for shift := 32; shift >= 0; shift-- {
		if remainder.Bit(shift+32) == 1 {
			remainder.Xor(remainder, new(big.Int).Lsh(big.NewInt(1<<32|polynomial), uint(shift)))
			quotient |= 1 << shift
		}
	}
	return quotient
}
