package persistence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"time"
)

// KeyPolicy says what becomes of a public key that is not the client's.
type KeyPolicy int

const (
	// Rotate takes it in place of the client's.
	Rotate KeyPolicy = iota
	// Pin refuses it, unless it is the client's first.
	Pin
	// Approve keeps it waiting for an approval, also when it is the first.
	Approve
)

// Fingerprint is the SHA-256 of a public key as the client sends it.
type Fingerprint [sha256.Size]byte

// String is the fingerprint as 64 lower-case hexadecimal digits.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// Scan reads a fingerprint from a column of 32 bytes.
func (f *Fingerprint) Scan(column any) error {
	b, ok := column.([]byte)
	if !ok || len(b) != len(f) {
		return fmt.Errorf("fingerprint column: want %d bytes, found %T", len(f), column)
	}
	copy(f[:], b)
	return nil
}

// maxPending bounds the keys of one client that wait for an approval. The one
// that came first makes room.
const maxPending = 8

// KeyChange is what became of a key that was offered.
type KeyChange struct {
	Changed bool   // it is the client's now, and was not before
	Old     []byte // the client's key before; nil when it had none
	Waits   bool   // it waits for an approval from now on
	Shared  bool   // another client has a key with this modulus
}

// OfferKey makes a public key the client's, as far as Options.KeyPolicy allows.
// modulus is the SHA-256 of its modulus, by which it is found again in another
// key. The key is PublicKeySize bytes, else ErrInvalidKey; it is not kept after
// the call. ErrKeyPinned, ErrKeyWaits and ErrKeyChanges refuse it.
//
// It survives a kill at once, and a power cut when anything that is verified
// later does: a client sends its key again with each exchange.
func (s *Store) OfferKey(ctx context.Context, id ClientID, key []byte, modulus [32]byte) (change KeyChange, err error) {
	if len(key) != PublicKeySize {
		return change, fmt.Errorf("public key of %d bytes: %w", len(key), ErrInvalidKey)
	}
	o := offer{store: s, id: id, key: key, modulus: modulus[:]}
	_, err = s.record(ctx, o.decide)
	if err == nil {
		err = o.refusal
	}
	if err != nil {
		return o.change, fmt.Errorf("public key of client %s: %w", id, err)
	}
	return o.change, nil
}

// offer is a key that is being decided on.
type offer struct {
	store   *Store
	id      ClientID
	key     []byte
	modulus []byte
	change  KeyChange
	refusal error // of what was committed
}

// decide may run more than once.
func (o *offer) decide(t tx) error {
	o.change, o.refusal = KeyChange{}, nil
	if o.store.options.KeyPolicy != Approve {
		first, err := t.exec(`UPDATE clients SET PublicKey = ?, Modulus = ?, LastSeen = ? WHERE ID = ? AND PublicKey IS NULL AND Revoked IS NULL`,
			o.key, o.modulus, now(), o.id[:])
		if err != nil {
			return err
		}
		if first == 1 {
			o.change.Changed = true
			return o.findShared(t)
		}
	}
	var has struct {
		PublicKey, Modulus []byte
		KeyBudget          sql.NullTime
		Revoked            bool
	}
	err := t.get(&has, `SELECT PublicKey AS publickey, Modulus AS modulus, KeyBudget AS keybudget,
		Revoked IS NOT NULL AS revoked FROM clients WHERE ID = ?`, o.id[:])
	switch {
	case none(err):
		return ErrUnknownClient
	case err != nil:
		return err
	case has.Revoked:
		return ErrRevoked
	case bytes.Equal(has.PublicKey, o.key):
		return o.noteModulus(t, has.Modulus)
	case o.store.options.KeyPolicy == Pin:
		return ErrKeyPinned
	case o.store.options.KeyPolicy == Approve:
		return o.wait(t, has.PublicKey)
	}
	budget, err := o.store.options.spend(has.KeyBudget.Time)
	if err != nil {
		return err
	}
	return o.replace(t, has.PublicKey, sql.NullTime{Time: budget, Valid: !budget.IsZero()})
}

// noteModulus notes the modulus of a key that an earlier version has stored.
func (o *offer) noteModulus(t tx, has []byte) error {
	if has != nil {
		return nil
	}
	if _, err := t.exec(`UPDATE clients SET Modulus = ? WHERE ID = ?`, o.modulus, o.id[:]); err != nil {
		return err
	}
	return o.findShared(t)
}

func (o *offer) replace(t tx, old []byte, budget sql.NullTime) error {
	o.change.Changed, o.change.Old = true, old
	_, err := t.exec(`UPDATE clients SET PublicKey = ?, Modulus = ?, KeyBudget = ?, LastSeen = ? WHERE ID = ?`,
		o.key, o.modulus, budget, now(), o.id[:])
	if err != nil {
		return err
	}
	return o.findShared(t)
}

// findShared looks whether another client has the modulus. The statement changes
// nothing but says as much as a query, and costs less. It touches the client's own
// row, which this transaction holds anyway, and looks at two others at most:
// thousands of clients may have come with one key.
func (o *offer) findShared(t tx) error {
	shared, err := t.exec(`UPDATE clients SET LastSeen = LastSeen WHERE ID = ?
		AND EXISTS (SELECT 1 FROM clients AS other WHERE other.Modulus = ? AND other.ID <> ?)`, o.id[:], o.modulus, o.id[:])
	o.change.Shared = shared > 0
	return err
}

// wait makes the key the client's if it was approved, and keeps it waiting
// otherwise.
func (o *offer) wait(t tx, old []byte) error {
	fingerprint := sha256.Sum256(o.key)
	approved, err := t.exec(`DELETE FROM pending_keys WHERE ID = ? AND Fingerprint = ? AND Approved`, o.id[:], fingerprint[:])
	if err != nil {
		return err
	}
	if approved == 1 {
		return o.replace(t, old, sql.NullTime{})
	}
	o.refusal = ErrKeyWaits
	added, err := t.exec(`INSERT INTO pending_keys (ID, Fingerprint, Approved, Since) VALUES (?, ?, ?, ?)
		ON CONFLICT (ID, Fingerprint) DO NOTHING`, o.id[:], fingerprint[:], false, now())
	if err != nil || added == 0 {
		return err
	}
	o.change.Waits = true
	_, err = t.exec(`DELETE FROM pending_keys WHERE ID = ? AND NOT Approved AND Fingerprint NOT IN
		(SELECT Fingerprint FROM pending_keys WHERE ID = ? ORDER BY Approved DESC, Since DESC LIMIT ?)`, o.id[:], o.id[:], maxPending)
	return err
}

// spend takes one change of key off what a client may change in an hour: a
// bucket that fills in that time, kept as the moment at which it is full again.
func (o Options) spend(full time.Time) (time.Time, error) {
	if o.KeyChanges == 0 {
		return time.Time{}, nil
	}
	at := now()
	if full.Before(at) {
		full = at
	}
	full = full.Add(time.Hour / time.Duration(o.KeyChanges))
	if full.After(at.Add(time.Hour)) {
		return full, ErrKeyChanges
	}
	return full, nil
}
