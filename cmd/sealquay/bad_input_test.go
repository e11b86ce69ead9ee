package main

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A stage is how far a connection has come before bad input is sent.
type stage int

const (
	fresh    stage = iota // nothing was sent; the client is registered and has no key
	ready                 // the keys are exchanged
	received              // and "file" was received, and waits for its verdict
)

// A badInput is bytes that no client should send, what they are answered with,
// and what the log says of the last of them.
type badInput struct {
	name   string
	stage  stage
	pack   func(a *attempt) []byte
	code   uint16 // of the answer
	reason string // "" for what is served all the same
	closes bool   // framing is lost: the connection ends
}

// An attempt is what bad input is made of.
type attempt struct {
	me, other *identity
	key       cipher.Block
}

// sealed is the content of an empty file.
func (a *attempt) sealed() []byte {
	if a.key == nil {
		return make([]byte, 16)
	}
	return seal(a.key, nil)
}

const maxUint32 = math.MaxUint32

var badInputs = slices.Concat(badHeaders, badNames, badKeys, badContents, badOrders, badIDs, badFileNames())

var badHeaders = []badInput{
	{"unknown code", fresh, raw(1102, 0), 2101, "unknown_code", false},
	{"unknown code 0", fresh, raw(0, 0), 2101, "unknown_code", false},
	{"unknown code with a payload", fresh, raw(65535, 5, "12345"), 2101, "unknown_code", false},
	{"code of a response", ready, raw(2104, 0), 2101, "unknown_code", false},
	{"1100 of 0 bytes", fresh, fixed(1100, 0, newName), 2100, "", false},
	{"1100 of 4 GiB", fresh, fixed(1100, maxUint32, newName), 2100, "", false},
	{"1101 of 0 bytes", fresh, key(0), 2102, "", false},
	{"1101 of 4 GiB", fresh, key(maxUint32), 2102, "", false},
	{"1103 of 0 bytes", ready, file(0, 16), 2101, "framing_lost", true},
	{"1103 of 4 GiB", ready, file(maxUint32, 16), 2101, "framing_lost", true},
	{"1104 of 0 bytes", ready, judged(1104, 0), 2101, "nothing_received", false},
	{"1104 of 4 GiB", ready, judged(1104, maxUint32), 2101, "nothing_received", false},
	{"1105 of 0 bytes", ready, judged(1105, 0), 2101, "nothing_received", false},
	{"1105 of 4 GiB", ready, judged(1105, maxUint32), 2101, "nothing_received", false},
	{"1106 of 0 bytes", ready, judged(1106, 0), 2101, "nothing_received", false},
	{"1106 of 4 GiB", ready, judged(1106, maxUint32), 2101, "nothing_received", false},
}

var badNames = []badInput{
	{"1100 without a NUL", fresh, fixed(1100, 255, strings.Repeat("n", 255)), 2101, "name_not_terminated", false},
	{"1100 without a name", fresh, fixed(1100, 255, ""), 2101, "name_empty", false},
	{"1100 not UTF-8", fresh, fixed(1100, 255, "\xff\xfe"), 2101, "name_not_utf8", false},
	{"1100 half a character", fresh, fixed(1100, 255, "na\xc3"), 2101, "name_not_utf8", false},
	{"1101 without a NUL", fresh, named(strings.Repeat("n", 255)), 2101, "name_not_terminated", false},
	{"1101 without a name", fresh, named(""), 2101, "client_mismatch", false},
	{"1101 with another name", fresh, named("nobody"), 2101, "client_mismatch", false},
}

var badKeys = []badInput{
	{"no key", fresh, keyField(nil), 2101, "key_format", false},
	{"a key of noise", fresh, keyField(content("noise", 160)), 2101, "key_format", false},
	{"512 bits", fresh, keyField(pkix(number1(512), 65537)), 2101, "key_size", false},
	{"1152 bits", fresh, keyField(pkcs1(number1(1152), 17)), 2101, "key_size", false},
	{"2048 bits, cut", fresh, keyField(pkix(number1(2048), 65537)[:160]), 2101, "key_format", false},
	{"garbage behind the key", fresh, keyField(append(pkcs1(someKey().N, 17), 1)), 2101, "key_format", false},
	{"an even exponent", fresh, keyField(pkcs1(someKey().N, 16)), 2101, "key_weak", false},
	{"an even modulus", fresh, keyField(pkcs1(new(big.Int).Lsh(number1(1023), 1), 17)), 2101, "key_weak", false},
	{"PKCS#1, padded", fresh, keyField(pkcs1(someKey().N, 65537)), 2102, "", false},
}

var badContents = []badInput{
	{"content of 0 bytes", ready, file(275, 0), 2101, "content_size", false},
	{"content of 1 byte, both agree", ready, file(276, 1, "x"), 2101, "content_size", false},
	{"content of 17 bytes", ready, file(275+17, 17, strings.Repeat("x", 17)), 2101, "content_size", false},
	{"content of 17 or 48 bytes", ready, file(275+17, 48, strings.Repeat("x", 17)), 2101, "framing_lost", true},
	{"payload size of the content alone", ready, file(16, 16, strings.Repeat("x", 16)), 2101, "framing_lost", true},
	{"content of 4 GiB, not counted", ready, file(277, maxUint32), 2101, "framing_lost", true},
}

var badOrders = []badInput{
	{"1103 before 1101", fresh, file(275+16, 16, strings.Repeat("x", 16)), 2101, "no_key", false},
	{"1104 before 1101", fresh, judged(1104, 271), 2101, "no_key", false},
	{"1104 with nothing received", ready, judged(1104, 271), 2101, "nothing_received", false},
	{"1105 with nothing received", ready, judged(1105, 271), 2101, "nothing_received", false},
	{"1106 with nothing received", ready, judged(1106, 271), 2101, "nothing_received", false},
	{"1104 for another file", received, func(a *attempt) []byte { return verdict(1104, a.me.id, "files") }, 2101, "nothing_received", false},
	{"1104 for a case variant", received, func(a *attempt) []byte { return verdict(1104, a.me.id, "FILE") }, 2101, "nothing_received", false},
	{"a name that is taken", fresh, func(a *attempt) []byte { return registration(a.other.name) }, 2101, "name_taken", false},
}

var badIDs = []badInput{
	{"1101 with another's id", ready, func(a *attempt) []byte {
		return publicKey(&identity{a.me.name, a.other.id, a.me.key})
	}, 2101, "client_mismatch", false},
	{"1101 with nobody's id", ready, func(a *attempt) []byte {
		return publicKey(&identity{a.me.name, clientID{1}, a.me.key})
	}, 2101, "unknown_client", false},
	{"1103 with another's id in the header", ready, func(a *attempt) []byte {
		return request(a.other.id, 1103, 275+16, a.me.id[:], number(16), text("file"), a.sealed())
	}, 2101, "client_mismatch", false},
	{"1103 with another's id in the payload", ready, func(a *attempt) []byte {
		return request(a.me.id, 1103, 275+16, a.other.id[:], number(16), text("file"), a.sealed())
	}, 2101, "client_mismatch", false},
	{"1103 with another's id in both", ready, func(a *attempt) []byte {
		return encryptedFile(a.other.id, "file", a.sealed())
	}, 2101, "client_mismatch", false},
	{"1103 with nobody's id", fresh, func(a *attempt) []byte {
		return encryptedFile(clientID{1}, "file", a.sealed())
	}, 2101, "unknown_client", false},
	{"1104 with another's id in the header", received, func(a *attempt) []byte {
		return request(a.other.id, 1104, 271, a.me.id[:], text("file"))
	}, 2101, "client_mismatch", false},
	{"1105 with another's id in the payload", received, func(a *attempt) []byte {
		return request(a.me.id, 1105, 271, a.other.id[:], text("file"))
	}, 2101, "client_mismatch", false},
	{"1106 with another's id in both", received, func(a *attempt) []byte {
		return verdict(1106, a.other.id, "file")
	}, 2101, "client_mismatch", false},
	{"1104 with nobody's id", fresh, func(a *attempt) []byte { return verdict(1104, clientID{}, "file") }, 2101, "unknown_client", false},
}

// badFileNames sends each hostile name in 1103, and then in 1104.
func badFileNames() (all []badInput) {
	for name, reason := range map[string]string{
		"":                       "file_name_empty",
		"/":                      "file_name_empty",
		`\/\/`:                   "file_name_empty",
		"dir/":                   "file_name_empty",
		".":                      "file_name_dot",
		"..":                     "file_name_dot",
		"../..":                  "file_name_dot",
		`C:\.`:                   "file_name_dot",
		"a\nb":                   "file_name_control",
		"\x01":                   "file_name_control",
		"a\x7f":                  "file_name_control",
		"a\u0085b":               "file_name_control",
		"\xff":                   "file_name_not_utf8",
		"a/\xc0\xaf":             "file_name_not_utf8",
		strings.Repeat("x", 255): "file_name_not_terminated",
	} {
		all = append(all,
			badInput{fmt.Sprintf("1103 for %.20q", name), ready, func(a *attempt) []byte {
				return encryptedFile(a.me.id, name, a.sealed())
			}, 2101, reason, false},
			badInput{fmt.Sprintf("1104 for %.20q", name), received, func(a *attempt) []byte {
				return verdict(1104, a.me.id, name)
			}, 2101, reason, false})
	}
	return all
}

// newName stands for a name that nobody has.
const newName = "\x00new"

func raw(code uint16, size int, payload ...string) func(*attempt) []byte {
	return func(a *attempt) []byte { return request(a.me.id, code, size, []byte(strings.Join(payload, ""))) }
}

func fixed(code uint16, size int, name string) func(*attempt) []byte {
	return func(a *attempt) []byte {
		if name == newName {
			return request(a.me.id, code, size, text("new "+a.me.name))
		}
		return request(a.me.id, code, size, text(name))
	}
}

func key(size int) func(*attempt) []byte {
	return func(a *attempt) []byte {
		return request(a.me.id, 1101, size, text(a.me.name), a.me.publicKey())
	}
}

func named(name string) func(*attempt) []byte {
	return func(a *attempt) []byte { return request(a.me.id, 1101, 415, text(name), a.me.publicKey()) }
}

func keyField(der []byte) func(*attempt) []byte {
	field := append(slices.Clone(der), make([]byte, 160-len(der))...)
	return func(a *attempt) []byte { return request(a.me.id, 1101, 415, text(a.me.name), field) }
}

func file(payloadSize, contentSize int, content ...string) func(*attempt) []byte {
	return func(a *attempt) []byte {
		return request(a.me.id, 1103, payloadSize, a.me.id[:], number(contentSize), text("file"),
			[]byte(strings.Join(content, "")))
	}
}

func judged(code uint16, size int) func(*attempt) []byte {
	return func(a *attempt) []byte { return request(a.me.id, code, size, a.me.id[:], text("file")) }
}

// number1 is an odd number of so many bits.
func number1(bits uint) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), bits)
	return n.Sub(n, big.NewInt(1)).SetBit(n, 1, 0)
}

func pkix(n *big.Int, e int) []byte {
	der, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n, E: e})
	if err != nil {
		panic(err)
	}
	return der
}

func pkcs1(n *big.Int, e int) []byte { return x509.MarshalPKCS1PublicKey(&rsa.PublicKey{N: n, E: e}) }

// TestBadInput sends each bad input with a good registration behind it in the
// same write: that is served where framing is known, and the connection ends
// where it is lost. The next client is served in any case.
func TestBadInput(t *testing.T) {
	s := startTestServer(t)
	other := deliverNew(t, s, "other", "file", []byte("the other's"))
	for i, bad := range badInputs {
		t.Run(bad.name, func(t *testing.T) {
			p, a := reach(t, s, bad.stage, fmt.Sprint("me ", i))
			a.other = other
			before := len(s.log.lines(t, "request.done"))
			p.send(bad.pack(a), registration(fmt.Sprint("behind ", i)))
			p.expect(bad.code)
			if reason, _ := s.log.lines(t, "request.done")[before]["reason"].(string); reason != bad.reason {
				t.Errorf("the log gives the reason %q, want %q", reason, bad.reason)
			}
			if bad.closes {
				p.expectEnd()
			} else {
				p.expect(2100)
			}
			next := dial(t, s)
			next.register(fmt.Sprint("next ", i))
			next.close()
			p.close()
		})
	}
	s.checkStored(t, "other", "file", []byte("the other's"))
	s.checkLog(t)
}

// reach brings a new connection to a stage.
func reach(t testing.TB, s *testServer, to stage, name string) (*peer, *attempt) {
	t.Helper()
	p := dial(t, s)
	a := &attempt{me: p.register(name)}
	if to == fresh {
		p.close()
		return dial(t, s), a
	}
	a.key = p.exchange(a.me)
	if to == received {
		p.upload(a.me, a.key, "file", []byte("text"))
	}
	return p, a
}

// TestTraversal sends names that lead elsewhere: all of them end up in the
// client's own directory.
func TestTraversal(t *testing.T) {
	s := startTestServer(t)
	p := dial(t, s)
	who := p.register("../../me")
	key := p.exchange(who)
	for _, path := range []string{"../../one", "/etc/two", `..\..\three`, `\\server\share\four`, "a/../../five", "CON/six", "....", "~", "-rf *"} {
		p.deliver(who, key, path, []byte(path))
		last := path[strings.LastIndexAny(path, `/\`)+1:]
		s.checkStored(t, who.name, last, []byte(path))
		if row, _ := s.row(t, who.name, last); row.path != filepath.Join("files", who.id.String(), last) {
			t.Errorf("%q is stored in %s", path, row.path)
		}
	}
	s.checkClean(t)
}

// TestSeedFileName takes the suffix of the seed's client off before it judges
// the name.
func TestSeedFileName(t *testing.T) {
	s := startTestServer(t)
	for path, reason := range map[string]string{".enc": "file_name_empty", "..enc": "file_name_dot", `x\...enc`: "file_name_dot"} {
		k := programs[1].talk(t, s)
		k.who = &identity{name: fmt.Sprintf("seed %q", path), key: someKey()}
		k.who.id = k.ask(k.pack1100(), 2100).id()
		k.exchange()
		sealed := seal(k.key, nil)
		k.ask(request(k.who.id, 1103, 16+len(sealed)+len(path), k.who.id[:], number(len(sealed)), text(path), sealed), 2101)
		if all := s.log.reasons(t); all[len(all)-1] != reason {
			t.Errorf("the log gives the reason %q for %q, want %q", all[len(all)-1], path, reason)
		}
		k.hangUp()
	}
}

// TestCutShort closes a connection within a request.
func TestCutShort(t *testing.T) {
	for _, c := range []struct {
		name   string
		cut    func(a *attempt) []byte
		answer uint16 // that comes all the same; 0: none
		reason string
	}{
		{"nothing", func(*attempt) []byte { return nil }, 0, "client_closed"},
		{"one byte", func(*attempt) []byte { return []byte{3} }, 0, "header_cut_short"},
		{"22 bytes", func(a *attempt) []byte { return registration("x")[:22] }, 0, "header_cut_short"},
		{"23 bytes", func(a *attempt) []byte { return registration("x")[:23] }, 0, "payload_cut_short"},
		{"the content of 1103", func(a *attempt) []byte { return encryptedFile(a.me.id, "file", a.sealed())[:23+275+1] }, 0, "payload_cut_short"},
		{"4 GiB of content", func(a *attempt) []byte {
			return request(a.me.id, 1103, 275+4294967008, a.me.id[:], number(4294967008), text("file"), make([]byte, 100))
		}, 0, "payload_cut_short"},
		{"content that is refused", func(a *attempt) []byte { return encryptedFile(a.me.id, "..", a.sealed())[:23+275+1] }, 2101, "payload_cut_short"},
		{"4 GiB of an unknown code", func(a *attempt) []byte { return request(a.me.id, 1, maxUint32, make([]byte, 100)) }, 2101, "payload_cut_short"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startTestServer(t)
			p, a := reach(t, s, ready, "me")
			p.send(c.cut(a))
			if c.answer != 0 {
				p.expect(c.answer)
			}
			p.close()
			if reason := s.awaitLines(t, "conn.close", 1)[0]["reason"]; reason != c.reason {
				t.Errorf("the connection ended by %v, want %v", reason, c.reason)
			}
			s.checkClean(t)
			deliverNew(t, s, "next", "file", nil)
		})
	}
}

// TestFifthTry throws the AES key away after four uploads without an accepted
// CRC. A new key is there for the asking, and an accepted CRC counts from 0 again.
func TestFifthTry(t *testing.T) {
	s := startTestServer(t)
	p, a := reach(t, s, ready, "me")
	for range 3 {
		p.upload(a.me, a.key, "file", []byte("text"))
	}
	p.deliver(a.me, a.key, "file", []byte("text"))
	for range 4 {
		p.upload(a.me, a.key, "file", []byte("text"))
	}
	for range 2 {
		p.send(encryptedFile(a.me.id, "file", a.sealed()))
		p.expect(2101)
	}
	if got := s.log.reasons(t); !slices.Equal(got, []string{"tries_exhausted", "tries_exhausted"}) {
		t.Errorf("the log has the reasons %q", got)
	}
	p.deliver(a.me, p.exchange(a.me), "file", []byte("other"))
	s.checkStored(t, "me", "file", []byte("other"))
}

// TestBadPadding has content that does not decrypt look like damaged content,
// and never be verified.
func TestBadPadding(t *testing.T) {
	for name, last := range map[string]byte{"0": 0, "17": 17, "255": 255, "16 of other bytes": 16} {
		t.Run(name, func(t *testing.T) {
			s := startTestServer(t)
			p, a := reach(t, s, ready, "me")
			p.deliver(a.me, a.key, "file", []byte("whole"))
			plain := append(content("damaged", 31), last)
			sealed := encrypt(a.key, slices.Clone(plain))
			for _, verdicts := range []struct{ verdict, answer uint16 }{{1105, 2104}, {1104, 2101}, {1106, 2104}} {
				if verdicts.verdict != 1106 {
					p.send(encryptedFile(a.me.id, "file", sealed))
					if crc := p.told(a.me.id, len(sealed), "file"); crc == crc32.ChecksumIEEE(plain) || crc == cksum(plain) {
						t.Error("the CRC is that of what does not decrypt")
					}
				}
				p.send(verdict(verdicts.verdict, a.me.id, "file"))
				p.expect(verdicts.answer)
			}
			s.checkStored(t, "me", "file", []byte("whole"))
			s.checkClean(t)
		})
	}
}

// TestRandomBytes sends noise, and noise that looks like requests, on new
// connections and behind a valid start. The server answers what it can, ends the
// connection, and serves the next client.
func TestRandomBytes(t *testing.T) {
	s := startTestServer(t)
	who := deliverNew(t, s, "me", "file", []byte("whole"))
	rapid.Check(t, func(r *rapid.T) {
		p := dial(t, s)
		defer p.close()
		if rapid.Bool().Draw(r, "behind a valid start") {
			p.exchange(who)
		}
		pieces := rapid.SliceOfN(piece(who.id), 0, 8).Draw(r, "pieces")
		_, _ = p.conn.Write(bytes.Join(pieces, nil)) // the server may have ended the connection
		if err := p.conn.CloseWrite(); err != nil {
			return // reset: what was sent behind a loss of framing was not read
		}
		_, _ = io.Copy(io.Discard, p) // the end or a reset
	})
	s.checkStored(t, "me", "file", []byte("whole"))
	deliverNew(t, s, "next", "file", []byte("text"))
	s.checkClean(t)
	s.checkLog(t)
}

// piece draws noise or something like a request.
func piece(id clientID) *rapid.Generator[[]byte] {
	return rapid.Custom(func(r *rapid.T) []byte {
		noise := rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(r, "noise")
		if rapid.Bool().Draw(r, "only noise") {
			return noise
		}
		code := rapid.SampledFrom([]uint16{1100, 1101, 1103, 1104, 1105, 1106, 1107}).Draw(r, "code")
		size := rapid.SampledFrom([]int{0, 16, 255, 271, 275, 291, 307, 415, maxUint32}).Draw(r, "size")
		if rapid.Bool().Draw(r, "own id") {
			return request(id, code, size, id[:], number(16), noise)
		}
		return request(clientID{}, code, size, noise)
	})
}

// TestNoise pours a megabyte of noise into a connection.
func TestNoise(t *testing.T) {
	s := startTestServer(t)
	p := dial(t, s)
	noise := make([]byte, 1<<20)
	rand.Read(noise)
	_, _ = p.conn.Write(noise) // may be cut off
	p.close()
	deliverNew(t, s, "next", "file", nil)
	s.checkLog(t)
}
