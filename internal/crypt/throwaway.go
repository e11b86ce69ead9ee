package crypt

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"math/big"
)

// A ThrowawayKey is an RSA-1024 key that opens sealed keys at a small part of
// OpenKey's cost, for clients that protect nothing: a load generator's. Its
// modulus has eight primes, and the time to open depends on them. To a server it
// is a key like any other. Any number of goroutines may use it.
type ThrowawayKey struct {
	modulus *big.Int
	primes  [8]throwawayPrime
}

// throwawayPrime is one of the primes r, with d mod r-1, the product of the
// primes before it, and the inverse of that product mod r: r_i, d_i, R_i and t_i
// of RFC 8017, section 5.1.2.
type throwawayPrime struct {
	prime, exponent, before, inverse *big.Int
}

// NewThrowawayKey makes a key with public exponent 17.
func NewThrowawayKey() (*ThrowawayKey, error) {
	for {
		k := &ThrowawayKey{modulus: big.NewInt(1)}
		for i := range k.primes {
			bits := ModulusBits / len(k.primes)
			if i == len(k.primes)-1 {
				bits = ModulusBits - k.modulus.BitLen() // the others may be a few short
			}
			prime, err := newPrime(bits)
			if err != nil {
				return nil, err
			}
			k.primes[i] = throwawayPrime{
				prime:    prime,
				exponent: new(big.Int).ModInverse(big.NewInt(publicExponent), new(big.Int).Sub(prime, big.NewInt(1))),
				before:   k.modulus,
				inverse:  new(big.Int).ModInverse(k.modulus, prime),
			}
			k.modulus = new(big.Int).Mul(k.modulus, prime)
		}
		// The product may be a bit short.
		if k.modulus.BitLen() == ModulusBits {
			return k, nil
		}
	}
}

// PublicKey is the other half, for MarshalPublicKey.
func (k *ThrowawayKey) PublicKey() *rsa.PublicKey {
	return &rsa.PublicKey{N: k.modulus, E: publicExponent}
}

// Open is the inverse of SealKey, as OpenKey is. The error is ErrSealedKey,
// whatever the reason.
func (k *ThrowawayKey) Open(sealed []byte) (Key, error) {
	if len(sealed) != SealedKeySize {
		return Key{}, ErrSealedKey
	}
	c := new(big.Int).SetBytes(sealed)
	if c.Cmp(k.modulus) >= 0 {
		return Key{}, ErrSealedKey
	}
	encoded := k.decrypt(c).FillBytes(make([]byte, SealedKeySize))
	return decodeOAEP(encoded)
}

// decrypt is RSADP by the Chinese remainder theorem (RFC 8017, section 5.1.2, step 2.b).
func (k *ThrowawayKey) decrypt(c *big.Int) *big.Int {
	m, part := new(big.Int), new(big.Int)
	for i := range k.primes {
		r := &k.primes[i]
		part.Mod(c, r.prime)
		part.Exp(part, r.exponent, r.prime)
		part.Sub(part, m).Mul(part, r.inverse).Mod(part, r.prime)
		m.Add(m, part.Mul(part, r.before))
	}
	return m
}

// decodeOAEP is EME-OAEP decoding with SHA-1 and an empty label (RFC 8017,
// section 7.1.2, step 3). It changes encoded.
func decodeOAEP(encoded []byte) (Key, error) {
	seed, block := encoded[1:1+sha1.Size], encoded[1+sha1.Size:]
	maskSHA1(seed, block)
	maskSHA1(block, seed)
	label := sha1.Sum(nil)
	start := len(block) - KeySize
	padding := append(label[:], make([]byte, start-len(label))...)
	padding[start-1] = 1
	if encoded[0] != 0 || subtle.ConstantTimeCompare(block[:start], padding) == 0 {
		return Key{}, ErrSealedKey
	}
	return Key(block[start:]), nil
}

// maskSHA1 adds MGF1 with SHA-1 of seed to out (RFC 8017, appendix B.2.1).
func maskSHA1(out, seed []byte) {
	var input [SealedKeySize + 4]byte
	n := copy(input[:], seed)
	for counter := uint32(0); len(out) > 0; counter++ {
		binary.BigEndian.PutUint32(input[n:], counter)
		mask := sha1.Sum(input[:n+4])
		out = out[subtle.XORBytes(out, out, mask[:]):]
	}
}
