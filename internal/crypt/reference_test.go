package crypt

import (
	"math/bits"
	"sync"
)

// referenceDecryptCBC is AES-128-CBC decryption as FIPS 197 and SP 800-38A
// describe it, without any concern for time. It shares nothing with the kernels
// nor with package crypto.
func referenceDecryptCBC(key *Key, iv [16]byte, ciphertext []byte) []byte {
	plain := make([]byte, 0, len(ciphertext))
	previous := iv
	for ; len(ciphertext) > 0; ciphertext = ciphertext[16:] {
		block := [16]byte(ciphertext)
		out := referenceInverseCipher(key, block)
		for i := range out {
			out[i] ^= previous[i]
		}
		plain = append(plain, out[:]...)
		previous = block
	}
	return plain
}

// referenceInverseCipher is InvCipher of FIPS 197, section 5.3.
func referenceInverseCipher(key *Key, state [16]byte) [16]byte {
	w := referenceKeyExpansion(key)
	_, inverse := referenceSBoxes()
	addRoundKey := func(round int) {
		for i := range state {
			state[i] ^= w[4*round+i/4][i%4]
		}
	}
	addRoundKey(10)
	for round := 9; round >= 0; round-- {
		var shifted [16]byte
		for i := range state {
			column, row := i/4, i%4
			shifted[4*((column+row)%4)+row] = inverse[state[i]]
		}
		state = shifted
		addRoundKey(round)
		if round == 0 {
			break
		}
		for c := 0; c < 16; c += 4 {
			a := [4]byte(state[c:])
			for r := range 4 {
				state[c+r] = multiply(0x0e, a[r]) ^ multiply(0x0b, a[(r+1)%4]) ^
					multiply(0x0d, a[(r+2)%4]) ^ multiply(0x09, a[(r+3)%4])
			}
		}
	}
	return state
}

// referenceKeyExpansion is KeyExpansion of FIPS 197, section 5.2.
func referenceKeyExpansion(key *Key) (w [44][4]byte) {
	sbox, _ := referenceSBoxes()
	for i := range 4 {
		w[i] = [4]byte(key[4*i:])
	}
	rcon := byte(1)
	for i := 4; i < len(w); i++ {
		word := w[i-1]
		if i%4 == 0 {
			word = [4]byte{sbox[word[1]] ^ rcon, sbox[word[2]], sbox[word[3]], sbox[word[0]]}
			rcon = multiply(2, rcon)
		}
		for j := range word {
			w[i][j] = w[i-4][j] ^ word[j]
		}
	}
	return w
}

// referenceSBoxes computes the S-box and its inverse: FIPS 197, section 5.1.1.
var referenceSBoxes = sync.OnceValues(func() (sbox, inverse [256]byte) {
	for a := range 256 {
		var reciprocal byte // of zero: zero
		for b := range 256 {
			if multiply(byte(a), byte(b)) == 1 {
				reciprocal = byte(b)
			}
		}
		s := byte(0x63)
		for turn := range 5 {
			s ^= bits.RotateLeft8(reciprocal, turn)
		}
		sbox[a], inverse[s] = s, byte(a)
	}
	return sbox, inverse
})

// multiply is multiplication in GF(2^8), FIPS 197, section 4.2.
func multiply(a, b byte) (product byte) {
	for ; b != 0; b >>= 1 {
		if b&1 != 0 {
			product ^= a
		}
		overflow := a>>7 != 0
		a <<= 1
		if overflow {
			a ^= 0x1b
		}
	}
	return product
}
