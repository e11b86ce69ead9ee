package crypt

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"math/big"
	"math/bits"
	"sync"
)

// ParsePublicKey reads the public key field of request 1101: an RSA-1024 key as
// X.509 SubjectPublicKeyInfo or as PKCS#1 RSAPublicKey, in strict DER, padded
// with zeros to PublicKeySize. Nothing but zeros may follow the key.
//
// The error is ErrKeyFormat, ErrKeySize or ErrKeyWeak, wrapped with the detail.
// The key does not share memory with field.
func ParsePublicKey(field []byte) (*rsa.PublicKey, error) {
	if len(field) != PublicKeySize {
		return nil, fmt.Errorf("%w: the field has %d bytes, not %d", ErrKeyFormat, len(field), PublicKeySize)
	}
	pub, err := parsePublicDER(field)
	if err != nil {
		return nil, err
	}
	if err := checkPublicKey(pub); err != nil {
		return nil, err
	}
	return pub, nil
}

// ModulusFingerprint is the SHA-256 of the key's modulus: the same for keys that
// are encoded in another way, or have another exponent.
func ModulusFingerprint(pub *rsa.PublicKey) [sha256.Size]byte {
	var modulus [ModulusBits / 8]byte
	return sha256.Sum256(pub.N.FillBytes(modulus[:]))
}

// Tags of DER: X.690, section 8.
const (
	tagInteger   = 0x02
	tagBitString = 0x03
	tagSequence  = 0x30
)

// rsaEncryption is the AlgorithmIdentifier of an RSA key, with its NULL
// parameters: RFC 3279, section 2.3.1.
var rsaEncryption = []byte{
	tagSequence, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0,
}

// parsePublicDER reads either structure. Package x509 would do, but takes 40
// allocations for it and for being held to the canonical encoding.
func parsePublicDER(field []byte) (*rsa.PublicKey, error) {
	key, padding, ok := cutDER(field, tagSequence)
	if !ok {
		return nil, fmt.Errorf("%w: it does not start with a whole SEQUENCE", ErrKeyFormat)
	}
	if len(bytes.Trim(padding, "\x00")) != 0 {
		return nil, fmt.Errorf("%w: bytes other than zero behind the key", ErrKeyFormat)
	}
	if info, found := bytes.CutPrefix(key, rsaEncryption); found {
		if key, ok = cutSubjectPublicKey(info); !ok {
			return nil, fmt.Errorf("%w: the SubjectPublicKeyInfo holds no whole key", ErrKeyFormat)
		}
	} else if len(key) > 0 && key[0] == tagSequence {
		return nil, fmt.Errorf("%w: the SubjectPublicKeyInfo is for another algorithm", ErrKeyFormat)
	}
	modulus, rest, ok := cutPositive(key)
	if !ok {
		return nil, fmt.Errorf("%w: the modulus is not a positive INTEGER", ErrKeyFormat)
	}
	exponent, rest, ok := cutPositive(rest)
	if !ok || len(rest) != 0 {
		return nil, fmt.Errorf("%w: the exponent is not a positive INTEGER at the end of the key", ErrKeyFormat)
	}
	e := new(big.Int).SetBytes(exponent)
	if e.BitLen() > 31 { // the limit of package rsa
		return nil, fmt.Errorf("%w: an exponent of %d bits", ErrKeyFormat, e.BitLen())
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(e.Int64())}, nil
}

// cutDER cuts the value of a tag off b. The length must be the shortest: DER
// allows no other (X.690, section 10.1). More than 255 bytes do not fit the field.
func cutDER(b []byte, tag byte) (value, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag {
		return nil, nil, false
	}
	n, b := int(b[1]), b[2:]
	if n == 0x81 && len(b) > 0 && b[0] >= 0x80 {
		n, b = int(b[0]), b[1:]
	} else if n >= 0x80 {
		return nil, nil, false
	}
	if n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// cutSubjectPublicKey returns what is in the SEQUENCE in the BIT STRING, both whole.
func cutSubjectPublicKey(info []byte) (key []byte, ok bool) {
	bitString, rest, ok := cutDER(info, tagBitString)
	if !ok || len(rest) != 0 || len(bitString) == 0 || bitString[0] != 0 { // no unused bits
		return nil, false
	}
	key, rest, ok = cutDER(bitString[1:], tagSequence)
	return key, ok && len(rest) == 0
}

// cutPositive cuts an INTEGER above zero off b, in the fewest bytes: X.690,
// section 8.3.
func cutPositive(b []byte) (magnitude, rest []byte, ok bool) {
	value, rest, ok := cutDER(b, tagInteger)
	if !ok || len(value) == 0 || value[0] >= 0x80 {
		return nil, nil, false
	}
	if value[0] == 0 && (len(value) == 1 || value[1] < 0x80) {
		return nil, nil, false
	}
	return value, rest, true
}

// checkPublicKey refuses what is no RSA-1024 key or is broken at sight. It does
// not try to judge more: a client that makes a bad key harms only itself.
func checkPublicKey(pub *rsa.PublicKey) error {
	switch size := pub.N.BitLen(); {
	case size != ModulusBits:
		return fmt.Errorf("%w: it has %d", ErrKeySize, size)
	case pub.E < 3 || pub.E%2 == 0:
		return fmt.Errorf("%w: public exponent %d", ErrKeyWeak, pub.E)
	}
	if p := smallFactor(pub.N); p != 0 {
		return fmt.Errorf("%w: the modulus is divisible by %d", ErrKeyWeak, p)
	}
	return nil
}

// smallFactor returns a prime below 1024 that divides n, or 0.
func smallFactor(n *big.Int) uint {
	for _, group := range smallPrimes() {
		var remainder uint
		for i := len(n.Bits()) - 1; i >= 0; i-- {
			_, remainder = bits.Div(remainder, uint(n.Bits()[i]), group.product)
		}
		for _, p := range group.primes {
			if remainder%p == 0 {
				return p
			}
		}
	}
	return 0
}

// primeGroup is as many primes as have a product of one word.
type primeGroup struct {
	product uint
	primes  []uint
}

// smallPrimes returns all primes below 1024, in groups: one division of a large
// number for each group instead of each prime. Made at the first use.
var smallPrimes = sync.OnceValue(func() []primeGroup {
	groups := []primeGroup{{product: 1}}
	for p := uint(2); p < 1024; p++ {
		if !big.NewInt(int64(p)).ProbablyPrime(0) { // exact below 2^64
			continue
		}
		last := &groups[len(groups)-1]
		if overflow, _ := bits.Mul(last.product, p); overflow != 0 {
			groups = append(groups, primeGroup{product: 1})
			last = &groups[len(groups)-1]
		}
		last.product *= p
		last.primes = append(last.primes, p)
	}
	return groups
})
