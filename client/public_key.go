package client

import (
	"context"
	"fmt"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/crypt"
)

// A Key is a client's RSA key, ready to be sent. It may be used by any number
// of goroutines and sessions.
type Key struct {
	der    []byte // PKCS#8, as it was read; nil of a throwaway key
	public [crypt.PublicKeySize]byte
	open   func(sealed []byte) (crypt.Key, error)
}

// NewKey makes an RSA-1024 key. It takes some tens of milliseconds.
func NewKey() (*Key, error) {
	private, err := crypt.NewPrivateKey()
	if err != nil {
		return nil, err
	}
	der, err := crypt.MarshalPrivateKey(private)
	if err != nil {
		return nil, err
	}
	return ParseKey(der)
}

// ParseKey decodes an RSA-1024 key from PKCS#8 DER, which is kept. No error
// holds any part of it. A key whose public half does not fit into the 160 bytes
// of a 1101 is refused.
func ParseKey(der []byte) (*Key, error) {
	private, err := crypt.ParsePrivateKey(der)
	if err != nil {
		return nil, err
	}
	public, err := crypt.MarshalPublicKey(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	open := func(sealed []byte) (crypt.Key, error) { return crypt.OpenKey(private, sealed) }
	return &Key{der: der, public: public, open: open}, nil
}

// NewThrowawayKey makes a key for a load generator, whose clients have nothing to
// protect: it opens the server's AES key at a small part of the cost, but in a
// time that tells about the key. It cannot be stored.
func NewThrowawayKey() (*Key, error) {
	private, err := crypt.NewThrowawayKey()
	if err != nil {
		return nil, err
	}
	public, err := crypt.MarshalPublicKey(private.PublicKey())
	if err != nil {
		return nil, err
	}
	return &Key{public: public, open: private.Open}, nil
}

// Format writes a fixed text for every verb: no message shows a private key.
func (k *Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[private key]") }

// ExchangeKey sends the key and receives the AES key for the session's files
// (1101, protocol section 1). The session must have an id, by Register or by
// Resume, that belongs to the name. After ErrRefused the session can go on.
func (s *Session) ExchangeKey(ctx context.Context, name string, key *Key) error {
	if err := checkName(name); err != nil {
		return err
	}
	defer s.watch(ctx)()
	s.keyed = false
	request := codec.PublicKey{Name: []byte(name), Key: key.public[:]}
	exchange, err := ask[codec.KeyExchange](ctx, s, codec.CodePublicKey, request)
	if err != nil {
		return err
	}
	if exchange.ClientID != s.id {
		return s.violated(codec.CodePublicKey, "the response is for the client %v, not %v", exchange.ClientID, s.id)
	}
	if s.key, err = key.open(exchange.EncryptedKey[:]); err != nil {
		return s.fail(&Error{Problem: ErrProtocol, Request: codec.CodePublicKey, Cause: err})
	}
	s.keyed = true
	return nil
}
