package main

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/sealquay/sealquay/persistence"
)

// What the seed's server does and this one must not, one test for each.

// One lock for all sessions: a client in the middle of its upload holds up no
// other.
func TestNoLockForAllSessions(t *testing.T) {
	s := startTestServer(t)
	slow := dial(t, s)
	who := slow.register("slow")
	request := encryptedFile(who.id, "a", seal(slow.exchange(who), make([]byte, 1000)))
	slow.send(request[:len(request)-500])
	deliverNew(t, s, "quick", "b", []byte("content"))
	slow.send(request[len(request)-500:])
	slow.expect(2103)
}

// Keys in the log.
func TestNoKeyInTheLog(t *testing.T) {
	s := startTestServer(t)
	p := dial(t, s)
	who := p.register("alice")
	p.send(publicKey(who))
	answer := p.expect(2102)
	key, err := rsa.DecryptOAEP(sha1.New(), nil, who.key, answer.payload[16:], nil)
	if err != nil {
		t.Fatal(err)
	}
	p.deliver(who, who.open(t, answer), "a", []byte("content"))
	p.send(verdict(1104, who.id, "a"))
	p.expect(2101)
	s.log.all(t) // flushes
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	for _, secret := range []string{string(key), hex.EncodeToString(key), base64.StdEncoding.EncodeToString(key), fmt.Sprint(key)} {
		if bytes.Contains(s.log.text.Bytes(), []byte(secret)) {
			t.Error("the AES key is in the log")
		}
	}
}

// A file found by its CRC: of two files with the same content, the one that the
// client names is verified.
func TestNoFileIsFoundByItsCRC(t *testing.T) {
	s := startTestServer(t)
	p := dial(t, s)
	who := p.register("alice")
	key := p.exchange(who)
	p.upload(who, key, "a", []byte("the same"))
	p.upload(who, key, "b", []byte("the same"))
	p.send(verdict(1104, who.id, "b"))
	p.expect(2104)
	var verified []string
	for file, err := range s.store.Files(t.Context(), persistence.FileFilter{Verified: true}) {
		if err != nil {
			t.Fatal(err)
		}
		verified = append(verified, file.FileName)
	}
	if !slices.Equal(verified, []string{"b"}) {
		t.Errorf("verified are %q, want b alone", verified)
	}
}

// Two statements where one transaction is due: of many who register one name at
// once, one gets it.
func TestNameIsRegisteredOnce(t *testing.T) {
	s := startTestServer(t)
	var peers []*peer
	for range 32 {
		peers = append(peers, dial(t, s))
	}
	var all sync.WaitGroup
	codes := make([]uint16, len(peers))
	for i, p := range peers {
		all.Go(func() {
			p.send(registration("alice"))
			codes[i] = p.receive().code
		})
	}
	all.Wait()
	slices.Sort(codes)
	if codes[0] != 2100 || slices.ContainsFunc(codes[1:], func(c uint16) bool { return c != 2101 }) {
		t.Errorf("answers %v, want 2100 once", codes)
	}
}

// The last four characters of a name cut without looking.
func TestNameWithoutSuffixIsKeptWhole(t *testing.T) {
	s := startTestServer(t)
	who := dial(t, s).register("alice")
	p := dial(t, s)
	p.seed = true
	p.send(request(who.id, 1101, len(who.name)+160, text(who.name), who.publicKey()))
	sealed := seal(who.open(t, p.expect(2102)), []byte("content"))
	for _, name := range []string{"a.txt", "abcd", "abc"} {
		p.send(request(who.id, 1103, 16+len(sealed)+len(name), who.id[:], number(len(sealed)), text(name), sealed))
		p.expect(2103)
		p.send(verdict(1104, who.id, name))
		p.expect(2104)
	}
	var names []string
	for file, err := range s.store.Files(t.Context(), persistence.FileFilter{Verified: true}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, file.FileName)
	}
	if !slices.Equal(names, []string{"a.txt", "abc", "abcd"}) {
		t.Errorf("stored are %q", names)
	}
}
