package crypt

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"sync"
)

// Sizes of the key exchange.
const (
	// ModulusBits is the only size of RSA key that the protocol has room for.
	ModulusBits = 1024
	// PublicKeySize is the size in bytes of the public key field of request 1101.
	PublicKeySize = 160
	// SealedKeySize is the size in bytes of the encrypted AES key of response 2102.
	SealedKeySize = ModulusBits / 8
)

// Reasons to refuse a key. They are wrapped with what was found; no text
// holds any part of a private key.
var (
	ErrKeyFormat = errors.New("not the DER encoding of an RSA key")
	ErrKeySize   = fmt.Errorf("the RSA modulus does not have %d bits", ModulusBits)
	ErrKeyWeak   = errors.New("the RSA key is weak")
	ErrSealedKey = errors.New("the encrypted AES key does not decrypt")
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
	der, err := cutZeroPadding(field)
	if err != nil {
		return nil, err
	}
	pub, err := parsePublicDER(der)
	if err != nil {
		return nil, err
	}
	if err := checkPublicKey(pub); err != nil {
		return nil, err
	}
	return pub, nil
}

// cutZeroPadding returns the one DER value at the start of field.
func cutZeroPadding(field []byte) ([]byte, error) {
	var value asn1.RawValue
	padding, err := asn1.Unmarshal(field, &value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFormat, err)
	}
	for _, b := range padding {
		if b != 0 {
			return nil, fmt.Errorf("%w: bytes other than zero behind the key", ErrKeyFormat)
		}
	}
	return value.FullBytes, nil
}

// parsePublicDER reads either of the two structures. Encoding the result again
// must give the same bytes: that refuses whatever package x509 overlooks.
func parsePublicDER(der []byte) (*rsa.PublicKey, error) {
	if pub, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return pub, requireSame(der, x509.MarshalPKCS1PublicKey(pub))
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFormat, err)
	}
	pub, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: the key is for another algorithm", ErrKeyFormat)
	}
	again, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFormat, err)
	}
	return pub, requireSame(der, again)
}

func requireSame(got, canonical []byte) error {
	if string(got) != string(canonical) {
		return fmt.Errorf("%w: the encoding is not the canonical one", ErrKeyFormat)
	}
	return nil
}

// checkPublicKey refuses what is no RSA-1024 key or is broken at sight. It does
// not try to judge more: a client that makes a bad key harms only itself.
func checkPublicKey(pub *rsa.PublicKey) error {
	switch bits := pub.N.BitLen(); {
	case bits != ModulusBits:
		return fmt.Errorf("%w: it has %d", ErrKeySize, bits)
	case pub.E < 3 || pub.E%2 == 0:
		return fmt.Errorf("%w: public exponent %d", ErrKeyWeak, pub.E)
	}
	if factor := new(big.Int).GCD(nil, nil, pub.N, smallPrimes()); factor.BitLen() > 1 {
		return fmt.Errorf("%w: the modulus is divisible by %d", ErrKeyWeak, factor)
	}
	return nil
}

// smallPrimes is the product of all primes below 1024. Made at the first use.
var smallPrimes = sync.OnceValue(func() *big.Int {
	product := big.NewInt(2)
	for n := int64(3); n < 1024; n += 2 {
		if candidate := big.NewInt(n); candidate.ProbablyPrime(0) { // exact below 2^64
			product.Mul(product, candidate)
		}
	}
	return product
})

// SealKey encrypts k for the owner of pub: RSA-OAEP with SHA-1, MGF1 with SHA-1
// and an empty label. The result is the encrypted key of response 2102.
func SealKey(pub *rsa.PublicKey, k *Key) (sealed [SealedKeySize]byte, err error) {
	if pub.N.BitLen() != ModulusBits {
		return sealed, ErrKeySize
	}
	b, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, pub, k[:], nil)
	if err != nil {
		return sealed, fmt.Errorf("sealing the AES key: %w", err)
	}
	return [SealedKeySize]byte(b), nil
}

// OpenKey is the inverse of SealKey: it decrypts the encrypted key of response 2102.
// The error is ErrSealedKey, whatever the reason.
func OpenKey(priv *rsa.PrivateKey, sealed []byte) (k Key, err error) {
	b, err := rsa.DecryptOAEP(sha1.New(), nil, priv, sealed, nil)
	if err != nil || len(b) != KeySize {
		return Key{}, ErrSealedKey
	}
	copy(k[:], b)
	clear(b)
	return k, nil
}
