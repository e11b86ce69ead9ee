package crypt

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"testing"
)

// Everything that the seed's client does with its library is done again here.
func TestCryptoPP(t *testing.T) {
	for _, v := range readVectors(t, "testdata/cryptopp.txt") {
		priv, err := ParsePrivateKey(v.bytes(t, "private_key"))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := MarshalPrivateKey(priv); err != nil || !bytes.Equal(again, v.bytes(t, "private_key")) {
			t.Errorf("the private key is written in another way: %x, %v", again, err)
		}
		pub, err := ParsePublicKey(v.bytes(t, "public_key"))
		if err != nil || !pub.Equal(&priv.PublicKey) {
			t.Fatalf("the public key is another one: %v", err)
		}
		if field, err := MarshalPublicKey(pub); err != nil || !bytes.Equal(field[:], v.bytes(t, "public_key")) {
			t.Errorf("the public key is written in another way: %x, %v", field, err)
		}
		key, err := OpenKey(priv, v.bytes(t, "sealed_key"))
		if err != nil || key != Key(v.bytes(t, "aes_key")) {
			t.Fatalf("the AES key does not come out: %v", err)
		}
		content, plain := v.bytes(t, "content"), v.bytes(t, "plaintext")
		sealed := make([]byte, len(content))
		NewSealer(&key).SealLast(sealed, plain)
		if !bytes.Equal(sealed, content) {
			t.Error("the content is sealed in another way")
		}
		n, sums, ok := NewOpener(&key, &testSecret).OpenLast(content)
		if !ok || !bytes.Equal(content[:n], plain) || sums.CRC32 != v.number(t, "crc32") {
			t.Error("the content does not open")
		}
	}
}

// cryptoPPKey is a public key as the seed's client sends it.
func cryptoPPKey(t testing.TB) (field []byte, pub *rsa.PublicKey) {
	field = readVectors(t, "testdata/cryptopp.txt")[0].bytes(t, "public_key")
	pub, err := ParsePublicKey(field)
	if err != nil {
		t.Fatal(err)
	}
	return field, pub
}

// pkcs1Field is the key as PKCS#1, zero-padded to the field.
func pkcs1Field(n *big.Int, e int) []byte {
	der, err := asn1.Marshal(struct {
		N *big.Int
		E int
	}{n, e})
	if err != nil {
		panic(err)
	}
	return padded(der)
}

func padded(der []byte) []byte {
	field := make([]byte, max(PublicKeySize, len(der)))
	copy(field, der)
	return field
}

func unhex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return b
}

func TestParsePublicKey(t *testing.T) {
	spki, pub := cryptoPPKey(t)
	n := pub.N
	short, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: new(big.Int).Rsh(n, 512), E: 17})
	if err != nil {
		t.Fatal(err)
	}
	one := big.NewInt(1)
	multipleOf := func(p int64) *big.Int { // with p for its only small factor
		m := new(big.Int).Div(n, big.NewInt(p))
		for smallFactor(m) != 0 {
			m.Add(m, one)
		}
		return m.Mul(m, big.NewInt(p))
	}
	longer := func(der []byte, lengths ...int) []byte { // by two bytes to come
		der = bytes.Clone(der)
		for _, i := range lengths {
			der[i] += 2
		}
		return der
	}
	changed := func(offset int, b ...byte) []byte {
		return slices.Replace(bytes.Clone(spki), offset, offset+len(b), b...)
	}

	for _, c := range []struct {
		name  string
		field []byte
		want  error
	}{
		{"SubjectPublicKeyInfo, e = 17", spki, nil},
		{"PKCS#1, e = 17", pkcs1Field(n, 17), nil},
		{"PKCS#1, e = 3", pkcs1Field(n, 3), nil},
		{"PKCS#1, e = 65537", pkcs1Field(n, 65537), nil},
		{"PKCS#1, the largest exponent", pkcs1Field(n, 1<<31-1), nil},

		{"no field", nil, ErrKeyFormat},
		{"zeros", make([]byte, PublicKeySize), ErrKeyFormat},
		{"0xff", bytes.Repeat([]byte{0xff}, PublicKeySize), ErrKeyFormat},
		{"one byte short", spki[:PublicKeySize-1], ErrKeyFormat},
		{"one byte long", append(bytes.Clone(spki), 0), ErrKeyFormat},
		{"text", padded([]byte("-----BEGIN PUBLIC KEY-----")), ErrKeyFormat},
		{"other bytes behind the key", append(pkcs1Field(n, 17)[:PublicKeySize-1], 1), ErrKeyFormat},
		{"an outer length that is too large", changed(2, 0x9e), ErrKeyFormat},
		{"an outer length that is too small", changed(2, 0x9c), ErrKeyFormat},
		{"another algorithm", changed(14, 0x0b), ErrKeyFormat},
		{"parameters that are not NULL", changed(16, 0x04), ErrKeyFormat},
		{"unused bits in the bit string", changed(21, 0x01), ErrKeyFormat},
		{"a negative modulus", changed(28, 0x80), ErrKeyFormat},
		{"Ed25519", padded(unhex("302a300506032b6570032100" + "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")), ErrKeyFormat},
		{"a length in more bytes than needed", padded(append(unhex("30820089"), pkcs1Field(n, 17)[3:140]...)), ErrKeyFormat},
		{"an indefinite length", padded(append(unhex("3080"), pkcs1Field(n, 17)[3:140]...)), ErrKeyFormat},
		{"an exponent with a zero before it", padded(append(append(unhex("308188"), pkcs1Field(n, 17)[3:135]...), unhex("02020011")...)), ErrKeyFormat},
		{"a third number in the sequence", padded(append(append(unhex("30818a"), pkcs1Field(n, 17)[3:138]...), unhex("020100")...)), ErrKeyFormat},
		{"an exponent of 33 bits", padded(append(append(unhex("30818c"), pkcs1Field(n, 17)[3:135]...), unhex("02050100000001")...)), ErrKeyFormat},
		{"an exponent of 32 bits", padded(append(append(unhex("30818b"), pkcs1Field(n, 17)[3:135]...), unhex("020500ffffffff")...)), ErrKeyFormat},
		{"an exponent below zero", pkcs1Field(n, -17), ErrKeyFormat},
		{"an exponent's length in more bytes than needed", padded(append(append(unhex("308188"), pkcs1Field(n, 17)[3:135]...), unhex("02810111")...)), ErrKeyFormat},
		{"NULL behind the bit string", padded(append(longer(short, 1), 5, 0)), ErrKeyFormat},
		{"NULL in the bit string", padded(append(longer(short, 1, 18), 5, 0)), ErrKeyFormat},

		{"512 bits", padded(short), ErrKeySize},
		{"1023 bits", pkcs1Field(new(big.Int).Rsh(n, 1), 17), ErrKeySize},
		{"1025 bits", pkcs1Field(new(big.Int).SetBit(new(big.Int).Lsh(n, 1), 0, 1), 17), ErrKeySize},

		{"e = 1", pkcs1Field(n, 1), ErrKeyWeak},
		{"e = 2", pkcs1Field(n, 2), ErrKeyWeak},
		{"e = 65536", pkcs1Field(n, 65536), ErrKeyWeak},
		{"an even modulus", pkcs1Field(multipleOf(2), 17), ErrKeyWeak},
		{"a modulus divisible by 3", pkcs1Field(multipleOf(3), 17), ErrKeyWeak},
		{"a modulus divisible by 1021", pkcs1Field(multipleOf(1021), 17), ErrKeyWeak},
	} {
		t.Run(c.name, func(t *testing.T) {
			pub, err := ParsePublicKey(c.field)
			if !errors.Is(err, c.want) || (err == nil) != (pub != nil) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if err == nil {
				key := NewKey()
				if _, err := SealKey(pub, &key); err != nil {
					t.Error("the key is accepted and then of no use:", err)
				}
			}
		})
	}
}

// The 2048-bit key of a client that ignores the specification cannot even be
// put into the field, but SealKey must not overflow its 128 bytes either.
func TestSealKeyRefusesOtherSizes(t *testing.T) {
	_, pub := cryptoPPKey(t)
	key := NewKey()
	large := &rsa.PublicKey{N: new(big.Int).SetBit(new(big.Int).Lsh(pub.N, 1024), 0, 1), E: 17}
	if _, err := SealKey(large, &key); !errors.Is(err, ErrKeySize) {
		t.Error(err)
	}
	if _, err := MarshalPublicKey(large); !errors.Is(err, ErrKeySize) {
		t.Error(err)
	}
}

func TestMarshalPublicKeyRefusesWhatDoesNotFit(t *testing.T) {
	_, pub := cryptoPPKey(t)
	if _, err := MarshalPublicKey(&rsa.PublicKey{N: pub.N, E: 65537}); !errors.Is(err, ErrKeyFormat) {
		t.Error(err)
	}
}

func TestOpenKeyRefuses(t *testing.T) {
	v := readVectors(t, "testdata/cryptopp.txt")[0]
	priv, err := ParsePrivateKey(v.bytes(t, "private_key"))
	if err != nil {
		t.Fatal(err)
	}
	sealed := v.bytes(t, "sealed_key")
	damaged := bytes.Clone(sealed)
	damaged[64] ^= 1
	other := readVectors(t, "testdata/cryptopp.txt")[1].bytes(t, "sealed_key")
	longer, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, &priv.PublicKey, make([]byte, 17), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, sealed := range map[string][]byte{
		"nothing": nil, "too short": sealed[1:], "too long": append(bytes.Clone(sealed), 0),
		"damaged": damaged, "for another key": other, "a key of 17 bytes": longer,
	} {
		if k, err := OpenKey(priv, sealed); !errors.Is(err, ErrSealedKey) || k != (Key{}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// referenceParsePublicKey leaves the reading to package x509, and takes only what
// it would write in the same way.
func referenceParsePublicKey(field []byte) (*rsa.PublicKey, bool) {
	var value asn1.RawValue
	padding, err := asn1.Unmarshal(field, &value)
	if err != nil || len(field) != PublicKeySize || !bytes.Equal(padding, make([]byte, len(padding))) {
		return nil, false
	}
	der := value.FullBytes
	if pub, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return pub, bytes.Equal(der, x509.MarshalPKCS1PublicKey(pub)) && checkPublicKey(pub) == nil
	}
	key, err := x509.ParsePKIXPublicKey(der)
	pub, isRSA := key.(*rsa.PublicKey)
	if err != nil || !isRSA {
		return nil, false
	}
	again, err := x509.MarshalPKIXPublicKey(pub)
	return pub, err == nil && bytes.Equal(der, again) && checkPublicKey(pub) == nil
}

// Every byte of every good field, changed in several ways, is taken or refused as
// package x509 takes or refuses it.
func TestParsePublicKeyMatchesStandardLibrary(t *testing.T) {
	spki, pub := cryptoPPKey(t)
	for _, good := range [][]byte{spki, pkcs1Field(pub.N, 17), pkcs1Field(pub.N, 65537)} {
		for i := range good {
			for _, difference := range []byte{0, 0x01, 0x02, 0x80, 0x81, 0xff, good[i]} {
				field := bytes.Clone(good)
				field[i] ^= difference
				compareParsePublicKey(t, field)
			}
		}
	}
}

func compareParsePublicKey(t *testing.T, field []byte) {
	t.Helper()
	pub, err := ParsePublicKey(field)
	want, ok := referenceParsePublicKey(field)
	if (err == nil) != ok {
		t.Fatalf("%x: %v, and package x509 says %v", field, err, ok)
	}
	if err == nil && !pub.Equal(want) {
		t.Fatalf("%x: another key", field)
	}
	if err != nil && !errors.Is(err, ErrKeyFormat) && !errors.Is(err, ErrKeySize) && !errors.Is(err, ErrKeyWeak) {
		t.Fatal("an error without a class:", err)
	}
}

func TestSmallFactor(t *testing.T) {
	for n, want := range map[int64]uint{
		2: 2, 3: 3, 1021: 1021, 1021 * 1031: 1021, 1031: 0, 1031 * 1033: 0, 7 * 1031: 7, 1<<61 - 1: 0,
	} {
		if got := smallFactor(big.NewInt(n)); got != want {
			t.Errorf("%d: %d, want %d", n, got, want)
		}
	}
}

func FuzzParsePublicKey(f *testing.F) {
	spki, pub := cryptoPPKey(f)
	f.Add(spki)
	f.Add(pkcs1Field(pub.N, 65537))
	f.Add(pkcs1Field(pub.N, 1))
	f.Add(make([]byte, PublicKeySize))
	f.Fuzz(func(t *testing.T, field []byte) {
		compareParsePublicKey(t, field)
		if pub, err := ParsePublicKey(field); err == nil {
			key := NewKey()
			if _, err := SealKey(pub, &key); err != nil {
				t.Fatal("the key is accepted and then of no use:", err)
			}
		}
	})
}

func BenchmarkParsePublicKey(b *testing.B) {
	spki, _ := cryptoPPKey(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParsePublicKey(spki); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealKey(b *testing.B) {
	_, pub := cryptoPPKey(b)
	key := NewKey()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := SealKey(pub, &key); err != nil {
			b.Fatal(err)
		}
	}
}
