package crypt

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"errors"
	"math/big"
	"testing"
)

func newThrowawayKey(tb testing.TB) *ThrowawayKey {
	tb.Helper()
	key, err := NewThrowawayKey()
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func TestThrowawayKeyOpensWhatIsSealed(t *testing.T) {
	for range 5 {
		throwaway := newThrowawayKey(t)
		field, err := MarshalPublicKey(throwaway.PublicKey())
		if err != nil {
			t.Fatal(err)
		}
		public, err := ParsePublicKey(field[:])
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			var key Key
			rand.Read(key[:])
			sealed, err := SealKey(public, &key)
			if err != nil {
				t.Fatal(err)
			}
			if opened, err := throwaway.Open(sealed[:]); err != nil || opened != key {
				t.Fatalf("%x, %v; want %x", opened, err, key)
			}
		}
	}
}

// TestThrowawayKeyRefuses seals what is no key, and then changes each part of the
// encoded message in turn.
func TestThrowawayKeyRefuses(t *testing.T) {
	key := newThrowawayKey(t)
	refused := func(what string, sealed []byte) {
		t.Helper()
		if _, err := key.Open(sealed); !errors.Is(err, ErrSealedKey) {
			t.Errorf("%s: %v", what, err)
		}
	}
	seal := func(message, label []byte) []byte {
		sealed, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, key.PublicKey(), message, label)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	whole := seal(make([]byte, KeySize), nil)
	refused("nothing", nil)
	refused("a byte short", whole[1:])
	refused("a byte more", append([]byte{0}, whole...))
	refused("the modulus", key.modulus.Bytes())
	refused("a key of 15 bytes", seal(make([]byte, KeySize-1), nil))
	refused("a key of 15 bytes behind a one", seal(append([]byte{1}, make([]byte, KeySize-2)...), nil))
	refused("a key of 17 bytes", seal(make([]byte, KeySize+1), nil))
	refused("another label", seal(make([]byte, KeySize), []byte("label")))

	plain := key.decrypt(new(big.Int).SetBytes(whole)).FillBytes(make([]byte, SealedKeySize))
	raw := func(encoded []byte) []byte {
		m := new(big.Int).SetBytes(encoded)
		return m.Exp(m, big.NewInt(publicExponent), key.modulus).FillBytes(make([]byte, SealedKeySize))
	}
	if _, err := key.Open(raw(plain)); err != nil {
		t.Fatalf("the encoded message unchanged: %v", err)
	}
	for _, i := range []int{0, 1, sha1.Size, sha1.Size + 1, 60, SealedKeySize - KeySize - 1} {
		changed := append([]byte(nil), plain...)
		changed[i] ^= 1
		refused("another byte of the encoded message", raw(changed))
	}
}

// BenchmarkOpenSealedKey compares the two ways to open the key of a 2102.
//
//	go test -run=NONE -bench=OpenSealedKey -count=5 ./internal/crypt
func BenchmarkOpenSealedKey(b *testing.B) {
	private, err := NewPrivateKey()
	if err != nil {
		b.Fatal(err)
	}
	throwaway := newThrowawayKey(b)
	for _, way := range []struct {
		name   string
		public *rsa.PublicKey
		open   func([]byte) (Key, error)
	}{
		{"lasting", &private.PublicKey, func(sealed []byte) (Key, error) { return OpenKey(private, sealed) }},
		{"throwaway", throwaway.PublicKey(), throwaway.Open},
	} {
		sealed, err := SealKey(way.public, &Key{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(way.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := way.open(sealed[:]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
