package handlers

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"errors"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/crypt"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

// publicKey handles 1101: the client's RSA key is stored, and a fresh AES key
// goes back under it.
func (s *Session) publicKey(ctx context.Context, f codec.Frame) Answer {
	m, err := codec.ParsePublicKey(f)
	if err != nil {
		return s.refuse(logging.NameNotTerminated)
	}
	id := f.Header.ClientID
	s.request.client = id
	row, err := s.row(ctx, persistence.ClientID(id))
	switch {
	case errors.Is(err, persistence.ErrUnknownClient):
		return s.refuse(logging.UnknownClient)
	case err != nil:
		return s.fail(err)
	case subtle.ConstantTimeCompare([]byte(row.Name), m.Name) != 1:
		return s.refuse(logging.ClientMismatch)
	}
	s.request.name = row.Name
	if row.Revoked {
		return s.refuse(logging.ClientRevoked)
	}
	s.Store.Touch(row.ID)
	public, err := crypt.ParsePublicKey(m.Key)
	if err != nil {
		return s.refuse(keyReason(err))
	}
	if err := s.offerKey(ctx, row, m.Key, public); err != nil {
		return s.fail(err)
	}
	return s.grantKey(row, public)
}

// row returns the client with this id. Most are those that this connection has
// registered a moment ago, and need not be read.
func (s *Session) row(ctx context.Context, id persistence.ClientID) (persistence.Client, error) {
	if fresh := s.fresh; fresh.name != "" && fresh.id == id {
		s.fresh = registered{}
		return persistence.Client{ID: id, Name: fresh.name}, nil
	}
	return s.Store.Client(ctx, id)
}

// offerKey makes the key the client's unless it is already. The storage knows
// the policy.
func (s *Session) offerKey(ctx context.Context, row persistence.Client, key []byte, public *rsa.PublicKey) error {
	if row.Modulus != nil && bytes.Equal(row.PublicKey, key) {
		return nil
	}
	change, err := s.Store.OfferKey(ctx, row.ID, key, crypt.ModulusFingerprint(public))
	fingerprint := sha256.Sum256(key)
	if change.Waits {
		s.logKeyWaits(fingerprint)
	}
	if err != nil {
		return err
	}
	if change.Old != nil {
		s.logKeyChanged(sha256.Sum256(change.Old), fingerprint)
	}
	if change.Shared {
		s.logKeyShared(fingerprint)
	}
	return nil
}

// grantKey makes the AES key and the answer that carries it.
func (s *Session) grantKey(row persistence.Client, public *rsa.PublicKey) Answer {
	g := &grant{key: crypt.NewKey()}
	sealed, err := crypt.SealKey(public, &g.key)
	if err != nil {
		return s.refuse(logging.KeyWeak)
	}
	s.join(codec.ClientID(row.ID), row.Checksum)
	s.ownKey(g)
	return Answer{Response: codec.KeyExchange{ClientID: codec.ClientID(row.ID), EncryptedKey: sealed}}
}

func keyReason(err error) logging.Reason {
	switch {
	case errors.Is(err, crypt.ErrKeySize):
		return logging.KeySize
	case errors.Is(err, crypt.ErrKeyWeak):
		return logging.KeyWeak
	}
	return logging.KeyFormat
}
