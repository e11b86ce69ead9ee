package crypt

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/big"
)

// publicExponent is the largest Fermat prime that leaves the public key 160
// bytes, and what Crypto++ uses: 65537 would need 162.
const publicExponent = 17

// NewPrivateKey makes an RSA-1024 key with public exponent 17, whose
// SubjectPublicKeyInfo has exactly PublicKeySize bytes. It takes some tens of
// milliseconds. rsa.GenerateKey has no choice of exponent.
func NewPrivateKey() (*rsa.PrivateKey, error) {
	for {
		p, err := newPrime(ModulusBits / 2)
		if err != nil {
			return nil, err
		}
		q, err := newPrime(ModulusBits / 2)
		if err != nil {
			return nil, err
		}
		if tooClose(p, q) {
			continue
		}
		return composeKey(p, q)
	}
}

// newPrime draws a prime of so many bits that suits the public exponent. Its two
// highest bits are set, so that the product of two has twice as many.
func newPrime(bits int) (*big.Int, error) {
	for {
		p, err := rand.Prime(rand.Reader, bits)
		if err != nil {
			return nil, fmt.Errorf("drawing a prime: %w", err)
		}
		if suitsExponent(p) {
			return p, nil
		}
	}
}

// suitsExponent says whether p-1 is coprime to the exponent, which is prime.
func suitsExponent(p *big.Int) bool {
	return new(big.Int).Mod(p, big.NewInt(publicExponent)).Int64() != 1
}

// tooClose says whether |p-q| <= 2^(1024/2-100): FIPS 186-5, appendix A.1.3.
func tooClose(p, q *big.Int) bool {
	return new(big.Int).Sub(p, q).BitLen() <= ModulusBits/2-100
}

// composeKey computes d = e^-1 mod lcm(p-1, q-1).
func composeKey(p, q *big.Int) (*rsa.PrivateKey, error) {
	one := big.NewInt(1)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	lcm := new(big.Int).Mul(p1, q1)
	lcm.Div(lcm, new(big.Int).GCD(nil, nil, p1, q1))
	priv := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: publicExponent},
		D:         new(big.Int).ModInverse(big.NewInt(publicExponent), lcm),
		Primes:    []*big.Int{p, q},
	}
	priv.Precompute()
	if err := priv.Validate(); err != nil {
		return nil, fmt.Errorf("checking the new key: %w", err)
	}
	return priv, nil
}

// MarshalPublicKey encodes pub for the public key field of request 1101:
// SubjectPublicKeyInfo in DER, zero-padded if it is shorter. A key whose
// encoding does not fit (e = 65537 needs 162 bytes) is refused.
func MarshalPublicKey(pub *rsa.PublicKey) (field [PublicKeySize]byte, err error) {
	if err := checkPublicKey(pub); err != nil {
		return field, err
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return field, fmt.Errorf("encoding the public key: %w", err)
	}
	if len(der) > PublicKeySize {
		return field, fmt.Errorf("%w: the public key takes %d bytes, there is room for %d", ErrKeyFormat, len(der), PublicKeySize)
	}
	copy(field[:], der)
	return field, nil
}

// MarshalPrivateKey encodes priv as PKCS#8 in DER, as me.info holds it in
// Base64 (protocol section 5).
func MarshalPrivateKey(priv *rsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return nil, fmt.Errorf("encoding the private key: %w", err)
	}
	return der, nil
}

// ParsePrivateKey decodes a PKCS#8 RSA-1024 key in DER, as MarshalPrivateKey and
// Crypto++ (the seed's client) write it. Nothing may follow it, and its parts must fit
// together. Errors are those of ParsePublicKey and never hold key material.
func ParsePrivateKey(der []byte) (*rsa.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFormat, err)
	}
	priv, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%w: the key is for another algorithm", ErrKeyFormat)
	}
	if err := checkPublicKey(&priv.PublicKey); err != nil {
		return nil, err
	}
	canonical, err := MarshalPrivateKey(priv)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFormat, err)
	}
	// Package x509 overlooks what follows the key, and wrong numbers for the
	// Chinese remainder theorem: it computes its own.
	if !bytes.Equal(der, canonical) {
		return nil, fmt.Errorf("%w: the encoding is not the canonical one", ErrKeyFormat)
	}
	return priv, nil
}
