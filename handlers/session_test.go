package handlers

import (
	"bytes"
	"context"
	"crypto/rsa"
	"math"
	"testing"

	"go.uber.org/zap"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/crypt"
	"github.com/sealquay/sealquay/persistence"
)

// newTestService makes a service on a store of the test's own.
func newTestService(t *testing.T) *Service {
	t.Helper()
	store, err := persistence.Open(t.Context(), persistence.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s := NewService(Config{Store: store, Log: zap.NewNop(), Checksum: ChecksumAuto, KeyLifetime: lifetime, MaxUploadSize: codec.MaxPlainSize})
	t.Cleanup(func() {
		s.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A speaker is a client that talks to a session without a connection.
type speaker struct {
	*Session
	id      codec.ClientID
	decoder codec.Decoder
	private *rsa.PrivateKey
	key     crypt.Key
}

// newSpeaker registers a client and exchanges keys.
func newSpeaker(t *testing.T, s *Service, name string) *speaker {
	t.Helper()
	private, err := crypt.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	public, err := crypt.MarshalPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	p := &speaker{Session: s.NewSession(Conn{}), private: private}
	p.id = p.say(t, codec.Registration{Name: []byte(name)}, nil).(codec.RegistrationApproved).ClientID
	exchange := p.say(t, codec.PublicKey{Name: []byte(name), Key: public[:]}, nil).(codec.KeyExchange)
	if p.key, err = crypt.OpenKey(private, exchange.EncryptedKey[:]); err != nil {
		t.Fatal(err)
	}
	return p
}

// say sends a request, with content where it has some, and returns the answer.
func (p *speaker) say(t *testing.T, r codec.Request, content []byte) codec.Response {
	t.Helper()
	bytes := codec.AppendRequest(nil, codec.Documented, p.id, r)
	_, event, err := p.decoder.Next(bytes)
	if err != nil {
		t.Fatal(err)
	}
	a := p.Request(context.Background(), Request{Frame: event.Frame, Refusal: event.Err})
	if a.Response != nil || len(content) == 0 {
		p.decoder.SkipContent()
		p.decoder = codec.Decoder{}
		return a.Response
	}
	p.decoder.TakeContent(int64(len(content)))
	if a := p.Content(context.Background(), content); a.Response != nil {
		return a.Response
	}
	return p.ContentEnd(context.Background()).Response
}

// upload sends a file and returns the answer.
func (p *speaker) upload(t *testing.T, name string, plain []byte) codec.Response {
	t.Helper()
	sealed := make([]byte, crypt.SealedSize(uint64(len(plain))))
	crypt.NewSealer(&p.key).SealLast(sealed, bytes.Clone(plain))
	return p.say(t, codec.EncryptedFile{ClientID: p.id, ContentSize: uint32(len(sealed)), FileName: []byte(name)}, sealed)
}

func (p *speaker) verdict(t *testing.T, code codec.Code, name string) codec.Response {
	t.Helper()
	return p.say(t, codec.CRCValidation{Verdict: code, ClientID: p.id, FileName: []byte(name)}, nil)
}

// Every way in which a file can end gives its place back, and a server whose
// places are taken refuses.
func TestPlacesForWaitingFiles(t *testing.T) {
	s := newTestService(t)
	p := newSpeaker(t, s, "alice")
	refused := codec.RegistrationError{}
	for _, verdict := range []codec.Code{codec.CodeValidCRC, codec.CodeInvalidCRC, codec.CodeGiveUp} {
		p.upload(t, "a", []byte("content"))
		if n := s.waiting.Load(); n != 1 {
			t.Fatalf("%d files wait after an upload, want 1", n)
		}
		if answer := p.verdict(t, verdict, "a"); answer != (codec.Acknowledged{}) || s.waiting.Load() != 0 {
			t.Errorf("%v: %#v, and %d files wait; want an acknowledgement and none", verdict, answer, s.waiting.Load())
		}
	}
	p.upload(t, "a", []byte("content"))
	p.upload(t, "a", []byte("it supersedes"))
	if n := s.waiting.Load(); n != 1 {
		t.Errorf("%d files wait after one was superseded, want 1", n)
	}
	s.waiting.Add(maxWaitingFiles)
	if answer := p.upload(t, "b", []byte("content")); answer != refused {
		t.Errorf("with all places taken: %#v, want a refusal", answer)
	}
	s.waiting.Add(-maxWaitingFiles)
	p.Close()
	s.discardAll(s.clients.forgetAll())
	if n := s.waiting.Load(); n != 0 {
		t.Errorf("%d files wait after all were forgotten, want none", n)
	}
}

// A chunk of content is decrypted, checksummed and stored without an allocation.
// What others of the process allocate meanwhile is counted, too, so the least of
// several counts tells.
func TestChunkAllocatesNothing(t *testing.T) {
	const counts, chunks = 10, 20
	p := newSpeaker(t, newTestService(t), "alice")
	chunk := make([]byte, 256<<10)
	head := codec.EncryptedFile{ClientID: p.id, ContentSize: uint32((counts*(chunks+1) + 1) * len(chunk)), FileName: []byte("a")}
	if answer := p.say(t, head, nil); answer != nil || p.Session.upload == nil {
		t.Fatalf("the head of the file: %#v, want content to be awaited", answer)
	}
	least := math.Inf(1)
	for range counts {
		least = min(least, testing.AllocsPerRun(chunks, func() {
			if answer := p.Content(t.Context(), chunk); answer.Response != nil {
				t.Fatalf("a chunk: %#v", answer.Response)
			}
		}))
	}
	if least > 0 {
		t.Errorf("%v allocations for a chunk, want none", least)
	}
	p.Session.Close()
}
