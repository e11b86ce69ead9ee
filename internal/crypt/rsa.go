package crypt

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"errors"
	"fmt"
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
