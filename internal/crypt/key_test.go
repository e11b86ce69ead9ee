package crypt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestNewKeyHoldsNoZeroByte(t *testing.T) {
	seen := make(map[Key]bool)
	for range 2000 { // one unfiltered key in 16 has a zero byte
		k := NewKey()
		if bytes.IndexByte(k[:], 0) >= 0 {
			t.Fatal("a key with a zero byte")
		}
		if seen[k] {
			t.Fatal("the same key twice")
		}
		seen[k] = true
	}
}

func TestKeyIsNeverPrinted(t *testing.T) {
	k := Key([]byte("0123456789abcdef"))
	holder := struct{ K Key }{k}
	asJSON, err := json.Marshal(map[Key]any{k: &holder})
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{string(asJSON), k.String(), k.GoString()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%b", "%c", "%U", "%z"} {
		for _, value := range []any{k, &k, holder, &holder, []Key{k}} {
			printed = append(printed, fmt.Sprintf(verb, value))
		}
	}
	for _, text := range printed {
		for _, secret := range []string{"234", "323334", "50 51", "0x32", "62 63", "32 33"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q shows the key", text)
			}
		}
	}
}

func TestKeyWipe(t *testing.T) {
	k := NewKey()
	k.Wipe()
	if k != (Key{}) {
		t.Error("the key is still there")
	}
}
