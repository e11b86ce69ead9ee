package main

import (
	"bytes"
	"crypto/aes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/internal/logs"
)

// A secret is bytes that no output may hold.
type secret struct {
	name  string
	bytes []byte
}

// TestNoSecretIsLogged lets clients do everything that is logged, right and
// wrong, with the log at its most talkative, and searches it for keys and
// content in every form in which they could get there.
func TestNoSecretIsLogged(t *testing.T) {
	s := startTestServer(t, func(c *config.Config) {
		c.OnConflict = config.ConflictRefuse
		c.MaxUploadSize = 1 << 20
	})
	var secrets []secret
	keep := func(name string, b []byte) { secrets = append(secrets, secret{name, slices.Clone(b)}) }

	p := dial(t, s)
	who := p.register("canary")
	der, err := x509.MarshalPKCS8PrivateKey(who.key)
	if err != nil {
		t.Fatal(err)
	}
	keep("the private key", der)
	keep("the private exponent", who.key.D.Bytes())
	keep("a prime", who.key.Primes[0].Bytes())
	keep("the other prime", who.key.Primes[1].Bytes())

	p.send(publicKey(who))
	exchanged := p.expect(2102)
	aesKey, err := rsa.DecryptOAEP(sha1.New(), nil, who.key, exchanged.payload[16:], nil)
	if err != nil {
		t.Fatal(err)
	}
	keep("the AES key", aesKey)
	keep("the encrypted AES key", exchanged.payload[16:])
	key, err := aes.NewCipher(aesKey)
	if err != nil {
		t.Fatal(err)
	}

	plain := make([]byte, 4096)
	rand.Read(plain)
	keep("the content", plain)
	keep("the encrypted content", seal(key, plain))
	p.deliver(who, key, "kept", plain)
	p.upload(who, key, "rejected", plain)
	p.send(verdict(1106, who.id, "rejected"))
	p.expect(2104)
	bad := encrypt(key, slices.Clone(plain)) // its padding is wrong
	p.send(encryptedFile(who.id, "damaged", bad))
	p.expect(2103)
	p.send(verdict(1104, who.id, "damaged"))
	p.expect(2101)
	p.send(encryptedFile(who.id, "kept", seal(key, plain)))
	p.receive() // refused now or when it is verified
	p.close()

	for _, abuse := range [][]byte{
		seal(key, plain),
		request(who.id, 1101, 415, text(who.name), aesKey, plain[:144]),
		request(who.id, 1103, 1<<31, who.id[:], number(1<<31-275), text("large")),
		encryptedFile(who.id, "cut", seal(key, plain))[:2000],
	} {
		q := dial(t, s)
		q.send(abuse)
		q.close()
	}
	s.awaitLines(t, "conn.close", 5)
	s.stop(t)
	s.log.all(t)
	output := s.log.text.Bytes()
	if !bytes.Contains(output, []byte("file.verified")) || !bytes.Contains(output, []byte("undecryptable")) {
		t.Errorf("what was to be logged is not:\n%s", output)
	}
	for _, secret := range secrets {
		if form := secret.findIn(output); form != "" {
			t.Errorf("%s is in the log, as %s:\n%s", secret.name, form, output)
		}
	}
	checkLines(t, output)
}

// window is how many bytes of a secret are enough to be found.
const window = 12

// findIn tells in which form a part of the secret stands in output, "" if none
// does.
func (s secret) findIn(output []byte) string {
	lower := bytes.ToLower(output)
	for i := 0; i+window <= len(s.bytes); i += 4 {
		part := s.bytes[i : i+window]
		if bytes.Contains(output, part) {
			return "raw bytes"
		}
		if bytes.Contains(lower, []byte(hex.EncodeToString(part))) || bytes.Contains(lower, []byte(fmt.Sprintf("% x", part))) {
			return "hex"
		}
		escaped := strings.ToLower(strings.ReplaceAll(fmt.Sprintf("%+q", part), `"`, ""))
		if len(escaped) > window+8 && bytes.Contains(lower, []byte(strings.ReplaceAll(escaped, `\`, `\\`))) {
			return "escapes"
		}
		if decimal := strings.Trim(fmt.Sprint(part), "[]"); bytes.Contains(output, []byte(decimal)) || bytes.Contains(output, []byte(strings.ReplaceAll(decimal, " ", ","))) {
			return "decimal bytes"
		}
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			for shift := range 3 { // the groups of three may begin at any byte
				if bytes.Contains(output, []byte(encoding.EncodeToString(part[shift:shift+window-3]))) {
					return "base64"
				}
			}
		}
	}
	return ""
}

// TestSecretsAreFound makes sure that the search would find them.
func TestSecretsAreFound(t *testing.T) {
	hidden := secret{"", []byte("0123456789abcdef\x00\xff\x80secret key that is long")}
	unreadable := secret{"", []byte("\x01\xfe\x02\xfd\x03\xfc\x04\xfb\x05\xfa\x06\xf9\x07\xf8\x08\xf7")}
	asName, err := json.Marshal(logging.Untrusted(string(unreadable.bytes)))
	if err != nil {
		t.Fatal(err)
	}
	if got := unreadable.findIn(asName); got != "escapes" {
		t.Errorf("%s is found as %q", asName, got)
	}
	for form, output := range map[string]string{
		"raw bytes":     "x" + string(hidden.bytes),
		"hex":           fmt.Sprintf("x%X", hidden.bytes),
		"decimal bytes": fmt.Sprint(hidden.bytes),
		"base64":        "xx" + base64.StdEncoding.EncodeToString(append([]byte("yy"), hidden.bytes...)),
		"":              "0123456789a",
	} {
		if got := hidden.findIn([]byte(output)); got != form {
			t.Errorf("%q is found as %q, want %q", output, got, form)
		}
	}
}

// checkLines holds every line of a real run to docs/LOGGING.md.
func checkLines(t *testing.T, output []byte) {
	t.Helper()
	lines, err := logs.Open(t.Context(), logs.Options{Input: bytes.NewReader(output)})
	if err != nil {
		t.Fatal(err)
	}
	defer lines.Close()
	for l := lines.Next(); l != nil; l = lines.Next() {
		for _, problem := range logs.Check(l) {
			t.Errorf("%s\n%s", problem, l.Raw)
		}
	}
}
