package crypt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
	"testing"
)

// The whole key exchange, from a new key to the AES key on both sides.
func TestKeyExchange(t *testing.T) {
	for range 5 {
		priv, err := NewPrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		if priv.E != 17 || priv.N.BitLen() != 1024 || priv.Primes[0].BitLen() != 512 || priv.Primes[1].BitLen() != 512 {
			t.Fatalf("e = %d, %d bits", priv.E, priv.N.BitLen())
		}
		if der, err := x509.MarshalPKIXPublicKey(&priv.PublicKey); err != nil || len(der) != PublicKeySize {
			t.Fatalf("the public key has %d bytes: %v", len(der), err)
		}
		field, err := MarshalPublicKey(&priv.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		pub, err := ParsePublicKey(field[:])
		if err != nil {
			t.Fatal(err)
		}
		der, err := MarshalPrivateKey(priv)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParsePrivateKey(der)
		if err != nil || !again.Equal(priv) {
			t.Fatal("the private key does not come back:", err)
		}
		want := NewKey()
		sealed, err := SealKey(pub, &want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := OpenKey(again, sealed[:]); err != nil || got != want {
			t.Fatal("the AES key does not come back:", err)
		}
	}
}

func TestTooClose(t *testing.T) {
	p := new(big.Int).Lsh(big.NewInt(3), 510)
	for bits, want := range map[uint]bool{0: true, 411: true, 412: false, 500: false} {
		q := new(big.Int).Add(p, new(big.Int).Lsh(big.NewInt(1), bits))
		if tooClose(p, q) != want || tooClose(q, p) != want {
			t.Errorf("a distance of 2^%d: want %v", bits, want)
		}
	}
	if !tooClose(p, p) {
		t.Error("a distance of 0")
	}
}

func TestSuitsExponent(t *testing.T) {
	for p, want := range map[int64]bool{103: false, 137: false, 101: true, 17: true, 19: true} { // 103 = 6·17 + 1
		if suitsExponent(big.NewInt(p)) != want {
			t.Errorf("%d: want %v", p, want)
		}
	}
}

func TestParsePrivateKeyRefuses(t *testing.T) {
	good := readVectors(t, "testdata/cryptopp.txt")[0].bytes(t, "private_key")
	priv, err := ParsePrivateKey(good)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		der  []byte
		want error
	}{
		{"nothing", nil, ErrKeyFormat},
		{"zeros", make([]byte, 100), ErrKeyFormat},
		{"cut short", good[:len(good)-1], ErrKeyFormat},
		{"a byte behind", append(bytes.Clone(good), 0), ErrKeyFormat},
		{"PKCS#1", x509.MarshalPKCS1PrivateKey(priv), ErrKeyFormat},
		{"an elliptic curve", pkcs8(curve), ErrKeyFormat},
		{"2048 bits", pkcs8(large), ErrKeySize},
	} {
		if _, err := ParsePrivateKey(c.der); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// No byte of the key's numbers can change without notice: their parts must fit together.
func TestParsePrivateKeyNoticesDamage(t *testing.T) {
	good := readVectors(t, "testdata/cryptopp.txt")[0].bytes(t, "private_key")
	for i := range good {
		damaged := bytes.Clone(good)
		damaged[i] ^= 0x01
		if _, err := ParsePrivateKey(damaged); err == nil {
			t.Errorf("a change of byte %d goes unnoticed", i)
		}
	}
}

func FuzzParsePrivateKey(f *testing.F) {
	for _, v := range readVectors(f, "testdata/cryptopp.txt") {
		f.Add(v.bytes(f, "private_key"))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		priv, err := ParsePrivateKey(der)
		if err != nil {
			return
		}
		want := NewKey()
		sealed, err := SealKey(&priv.PublicKey, &want)
		if err != nil {
			t.Fatal("the key is accepted and then of no use:", err)
		}
		if got, err := OpenKey(priv, sealed[:]); err != nil || got != want {
			t.Fatal("the key is accepted and does not decrypt:", err)
		}
	})
}

func BenchmarkNewPrivateKey(b *testing.B) {
	for b.Loop() {
		if _, err := NewPrivateKey(); err != nil {
			b.Fatal(err)
		}
	}
}
