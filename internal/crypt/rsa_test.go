package crypt

import (
	"testing"
)

func TestKeyExchange(t *testing.T) {
	priv, err := NewPrivateKey()
	if err != nil {
		t.Fatal(err)
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
	if err != nil {
		t.Fatal(err)
	}
	want := NewKey()
	sealed, err := SealKey(pub, &want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenKey(again, sealed[:])
	if err != nil || got != want {
		t.Fatal("the key does not come back", err)
	}
}
func BenchmarkParsePublicKey(b *testing.B) {
	priv, _ := NewPrivateKey()
	field, _ := MarshalPublicKey(&priv.PublicKey)
	b.ReportAllocs()
	for b.Loop() {
		ParsePublicKey(field[:])
	}
}

func BenchmarkSealKey(b *testing.B) {
	priv, _ := NewPrivateKey()
	k := NewKey()
	b.ReportAllocs()
	for b.Loop() {
		SealKey(&priv.PublicKey, &k)
	}
}
func BenchmarkNewPrivateKey(b *testing.B) {
	for b.Loop() {
		NewPrivateKey()
	}
}
