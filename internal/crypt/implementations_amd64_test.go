//go:build !purego

package crypt

import (
	"math/big"
	"testing"
)

// cbcDecrypters are the implementations that this CPU can run, by name.
func cbcDecrypters() map[string]cbcDecrypter {
	all := map[string]cbcDecrypter{"Standard": new(standardCBC)}
	if hasAESNI() {
		all["AESNI"] = new(aesniCBC)
	}
	if hasVAES() {
		all["VAES"] = new(vaesCBC)
	}
	return all
}

// cksumUpdaters are the implementations that this CPU can run, by name.
func cksumUpdaters() map[string]func(uint32, []byte) uint32 {
	all := map[string]func(uint32, []byte) uint32{"Generic": updateCksumGeneric}
	if hasCLMUL() {
		all["CLMUL"] = updateCksumCLMUL
	}
	if hasVPCLMUL() {
		all["VPCLMUL"] = updateCksumVPCLMUL
	}
	return all
}

func TestWipeClearsTheSchedule(t *testing.T) {
	if !hasAESNI() {
		t.Skip("this CPU has no AES instructions")
	}
	key := NewKey()
	d := new(aesniCBC)
	d.reset(&key)
	d.decrypt(make([]byte, blockSize))
	if d.schedule == (inverseSchedule{}) {
		t.Fatal("there is no schedule to wipe")
	}
	d.wipe()
	if *d != (aesniCBC{}) {
		t.Error("something is left")
	}
}

// The first and the last entry of the schedule are the cipher's last and first
// round keys, and those between are the others through InvMixColumns.
func TestExpandInverse(t *testing.T) {
	if !hasAESNI() {
		t.Skip("this CPU has no AES instructions")
	}
	key := NewKey()
	w := referenceKeyExpansion(&key)
	var got inverseSchedule
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
	for distance, got := range map[int][2]uint64{
		128:  foldBy128,
		512:  foldBy512,
		2048: foldBy2048,
		384:  [2]uint64(foldLanes[0:]),
		256:  [2]uint64(foldLanes[2:]),
	} {
		if want := [2]uint64{powerOfX(distance), powerOfX(distance + 64)}; got != want {
			t.Errorf("a fold by %d bits: %#x, want %#x", distance, got, want)
		}
	}
	if [2]uint64(foldLanes[4:]) != foldBy128 || [2]uint64(foldLanes[6:]) != [2]uint64{} {
		t.Error("foldLanes: the last two lanes")
	}
	if want := [2]uint64{powerOfX(96), powerOfX(64)}; foldTo64 != want {
		t.Errorf("foldTo64: %#x, want %#x", foldTo64, want)
	}
	if want := [2]uint64{quotientByP(), 1<<32 | polynomial}; barrett != want {
		t.Errorf("barrett: %#x, want %#x", barrett, want)
	}
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
