package persistence

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// PublicKeySize is how many bytes the public key of a client has
	// (protocol section 1).
	PublicKeySize = 160
	// MaxNameSize is how many bytes a client or file name has at most: the
	// protocol's fields of 255 hold a NUL too.
	MaxNameSize = 254
	// pageSize is how many rows a list reads at once. Between pages nothing is
	// held open, so that a slow reader holds up nobody.
	pageSize = 500
)

// ClientID is the identity a client gets at registration: a random UUID.
type ClientID [16]byte

// String is the id as 32 lower-case hexadecimal digits.
func (id ClientID) String() string { return hex.EncodeToString(id[:]) }

// ParseClientID reads 32 hexadecimal digits of either case.
func ParseClientID(s string) (ClientID, error) {
	var id ClientID
	if len(s) != hex.EncodedLen(len(id)) {
		return id, fmt.Errorf("client id %q: want 32 hexadecimal digits", s)
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ClientID{}, fmt.Errorf("client id %q: want 32 hexadecimal digits", s)
	}
	return id, nil
}

// Scan reads an id from a column of 16 bytes.
func (id *ClientID) Scan(column any) error {
	bytes, ok := column.([]byte)
	if !ok || len(bytes) != len(id) {
		return fmt.Errorf("client id column: want 16 bytes, found %T", column)
	}
	copy(id[:], bytes)
	return nil
}

// newClientID draws a version 4 UUID (RFC 9562) without a zero byte: clients
// exist that treat the id as a C string (protocol section 3, row 9).
func newClientID() ClientID {
	for {
		var id ClientID
		_, _ = rand.Read(id[:]) // never fails: it ends the process first
		id[6] = id[6]&0x0f | 0x40
		id[8] = id[8]&0x3f | 0x80
		if !hasZero(id) {
			return id
		}
	}
}

func hasZero(id ClientID) bool {
	for _, b := range id {
		if b == 0 {
			return true
		}
	}
	return false
}

// Client is a registered client.
type Client struct {
	ID         ClientID
	Name       string
	PublicKey  []byte    // PublicKeySize bytes, nil before the first key; the caller's own
	Modulus    []byte    // SHA-256 of the key's modulus; nil with a key that an earlier version has stored; not in lists
	Checksum   string    // the kind remembered for this client: "", "crc32" or "cksum"
	Registered time.Time // UTC
	LastSeen   time.Time // UTC, as last written; see Store.Touch
	Revoked    bool      // shut out by an operator
	Files      int64     // verified files, in lists only
	Bytes      int64     // their size together, in lists only

	// What counts against the quotas, in lists only: beside the above, earlier
	// versions and uploads under way. -1 when the store has no quota.
	CountedFiles, CountedBytes int64
}

// Register makes a client of this name and draws its id. It fails with
// ErrNameTaken when there is one, and with ErrInvalidName for a name that is
// not 1 to MaxNameSize bytes of UTF-8 without NUL.
func (s *Store) Register(ctx context.Context, name string) (ClientID, error) {
	if !storable(name) {
		return ClientID{}, fmt.Errorf("client name %q: %w", name, ErrInvalidName)
	}
	id := newClientID()
	err := s.update(ctx, func(t tx) error { return insertClient(t, id, name) })
	if err != nil {
		return ClientID{}, fmt.Errorf("register client %q: %w", name, err)
	}
	return id, nil
}

func storable(name string) bool {
	return name != "" && len(name) <= MaxNameSize && utf8.ValidString(name) && strings.IndexByte(name, 0) < 0
}

func insertClient(t tx, id ClientID, name string) error {
	at := now()
	added, err := t.exec(`INSERT INTO clients (ID, Name, LastSeen, Registered) VALUES (?, ?, ?, ?)
		ON CONFLICT (Name) DO NOTHING`, id[:], name, at, at)
	if err != nil || added == 1 {
		return err
	}
	var ours int // an earlier run of the job may have been committed
	err = t.get(&ours, `SELECT COUNT(*) FROM clients WHERE Name = ? AND ID = ?`, name, id[:])
	if err == nil && ours == 0 {
		err = ErrNameTaken
	}
	return err
}

// Client reads one client. It fails with ErrUnknownClient.
func (s *Store) Client(ctx context.Context, id ClientID) (Client, error) {
	var client Client
	err := s.view(ctx, func(t tx) error {
		return t.get(&client, `SELECT ID AS id, Name AS name, PublicKey AS publickey, Modulus AS modulus, Checksum AS checksum,
			Revoked IS NOT NULL AS revoked,
			Registered AS registered, LastSeen AS lastseen FROM clients WHERE ID = ?`, id[:])
	})
	if none(err) {
		err = ErrUnknownClient
	}
	if err != nil {
		return Client{}, fmt.Errorf("client %s: %w", id, err)
	}
	return client, nil
}

// whyShutOut returns ErrRevoked for a client that is revoked, and otherwise for
// every other.
func whyShutOut(t tx, id ClientID, otherwise error) error {
	var revoked bool
	err := t.get(&revoked, `SELECT Revoked IS NOT NULL AS revoked FROM clients WHERE ID = ?`, id[:])
	switch {
	case none(err):
		return otherwise
	case err != nil:
		return err
	case revoked:
		return ErrRevoked
	}
	return otherwise
}

// SetChecksum remembers which checksum the client computes: "crc32", "cksum",
// or "" to forget it.
func (s *Store) SetChecksum(ctx context.Context, id ClientID, kind string) error {
	if kind != "" && kind != "crc32" && kind != "cksum" {
		return fmt.Errorf("checksum kind %q: want \"crc32\", \"cksum\" or \"\"", kind)
	}
	return s.updateClient(ctx, id, "set checksum", func(t tx) (int64, error) {
		return t.exec(`UPDATE clients SET Checksum = ? WHERE ID = ?`, kind, id[:])
	})
}

func (s *Store) updateClient(ctx context.Context, id ClientID, what string, change func(tx) (int64, error)) error {
	_, err := s.record(ctx, func(t tx) error {
		changed, err := change(t)
		if err == nil && changed == 0 {
			err = ErrUnknownClient
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s of client %s: %w", what, id, err)
	}
	return nil
}

// Clients lists all clients by name, with the count and size of their
// verified files. An error ends the list.
func (s *Store) Clients(ctx context.Context) iter.Seq2[Client, error] {
	return pages(func(after *Client) (page []Client, err error) {
		name := ""
		if after != nil {
			name = after.Name
		}
		err = s.view(ctx, func(t tx) error {
			return t.list(&page, `SELECT ID AS id, Name AS name, PublicKey AS publickey, Checksum AS checksum, Revoked IS NOT NULL AS revoked,
				Registered AS registered, LastSeen AS lastseen,
				(SELECT COUNT(*) FROM files WHERE files.ID = clients.ID AND Verified) AS files,
				(SELECT COALESCE(SUM(Size), 0) FROM files WHERE files.ID = clients.ID AND Verified) AS bytes,
				COALESCE((SELECT Files FROM usage WHERE usage.ID = clients.ID), -1) AS countedfiles,
				COALESCE((SELECT Bytes FROM usage WHERE usage.ID = clients.ID), -1) AS countedbytes
				FROM clients WHERE Name > ? ORDER BY Name LIMIT ?`, name, pageSize)
		})
		return page, err
	})
}

// pages turns a function that reads up to pageSize items after a given one
// into a sequence of all. The first page is after nil.
func pages[T any](read func(after *T) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var after *T
		for {
			page, err := read(after)
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			after = &page[len(page)-1]
		}
	}
}
