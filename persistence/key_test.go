package persistence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
)

// offered offers a key that shares its modulus with no other.
func offered(s *Store, id ClientID, key []byte) error {
	_, err := s.OfferKey(context.Background(), id, key, sha256.Sum256(append(id[:], key...)))
	return err
}

// key is a public key as far as the storage can tell.
func testKey(n byte) []byte { return bytes.Repeat([]byte{n}, PublicKeySize) }

func offer1(t testing.TB, s *Store, id ClientID, n byte) (KeyChange, error) {
	t.Helper()
	return s.OfferKey(t.Context(), id, testKey(n), sha256.Sum256([]byte{n}))
}

func wantKey(t testing.TB, s *Store, id ClientID, n byte) {
	t.Helper()
	client, err := s.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if want := testKey(n); n == 0 && client.PublicKey != nil || n > 0 && !bytes.Equal(client.PublicKey, want) {
		t.Errorf("the client's key is % x, want number %d", client.PublicKey, n)
	}
}

// eachPlace runs a test on each kind of database.
func eachPlace(t *testing.T, test func(t *testing.T, open func(Options) *Store)) {
	t.Run("SQLite", func(t *testing.T) {
		directory := fastDir(t)
		test(t, func(o Options) *Store {
			o.DataDir = directory
			return openTest(t, o)
		})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		directory, dsn := fastDir(t), postgresDSN(t)
		test(t, func(o Options) *Store {
			o.DataDir, o.Postgres = directory, dsn
			return openTest(t, o)
		})
	})
}

func TestRotatedKeys(t *testing.T) {
	eachPlace(t, func(t *testing.T, open func(Options) *Store) {
		s := open(Options{KeyChanges: 2})
		id := register(t, s, "anna")
		for n, want := range []KeyChange{{Changed: true}, {Changed: true, Old: testKey(1)}, {Changed: true, Old: testKey(2)}} {
			change, err := offer1(t, s, id, byte(n+1))
			if err != nil || fmt.Sprint(change) != fmt.Sprint(want) {
				t.Errorf("key %d: %+v, %v", n+1, change, err)
			}
		}
		if change, err := offer1(t, s, id, 3); err != nil || change.Changed {
			t.Errorf("the same key again: %+v, %v", change, err)
		}
		if _, err := offer1(t, s, id, 4); !errors.Is(err, ErrKeyChanges) {
			t.Errorf("a third change in an hour: %v", err)
		}
		wantKey(t, s, id, 3)
		if _, err := offer1(t, s, newClientID(), 1); !errors.Is(err, ErrUnknownClient) {
			t.Errorf("a key of nobody: %v", err)
		}
	})
}

func TestPinnedKeys(t *testing.T) {
	eachPlace(t, func(t *testing.T, open func(Options) *Store) {
		s := open(Options{KeyPolicy: Pin})
		id := register(t, s, "anna")
		if change, err := offer1(t, s, id, 1); err != nil || !change.Changed {
			t.Errorf("the first key: %+v, %v", change, err)
		}
		if _, err := offer1(t, s, id, 2); !errors.Is(err, ErrKeyPinned) {
			t.Errorf("another key: %v", err)
		}
		if _, err := offer1(t, s, id, 1); err != nil {
			t.Errorf("the first key again: %v", err)
		}
		wantKey(t, s, id, 1)
	})
}

// TestApprovedKeys: another opening of the database approves, while the store
// works.
func TestApprovedKeys(t *testing.T) {
	eachPlace(t, func(t *testing.T, open func(Options) *Store) {
		s := open(Options{KeyPolicy: Approve})
		id := register(t, s, "anna")
		if change, err := offer1(t, s, id, 1); !errors.Is(err, ErrKeyWaits) || !change.Waits {
			t.Fatalf("the first key: %+v, %v", change, err)
		}
		if change, err := offer1(t, s, id, 1); !errors.Is(err, ErrKeyWaits) || change.Waits {
			t.Errorf("it comes again: %+v, %v", change, err)
		}
		wantKey(t, s, id, 0)
		operator, err := OpenOperator(t.Context(), s.options)
		if err != nil {
			t.Fatal(err)
		}
		defer operator.Close()
		if err := operator.Approve(t.Context(), id, sha256.Sum256(testKey(2))); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("approve a key that does not wait: %v", err)
		}
		if err := operator.Approve(t.Context(), id, sha256.Sum256(testKey(1))); err != nil {
			t.Fatal(err)
		}
		if change, err := offer1(t, s, id, 1); err != nil || !change.Changed {
			t.Errorf("an approved key: %+v, %v", change, err)
		}
		wantKey(t, s, id, 1)
		for n := range byte(maxPending + 3) {
			if _, err := offer1(t, s, id, 10+n); !errors.Is(err, ErrKeyWaits) {
				t.Errorf("key %d: %v", 10+n, err)
			}
		}
		keys, err := s.PendingKeys(t.Context())
		last := sha256.Sum256(testKey(10 + maxPending + 2))
		if err != nil || len(keys) != maxPending || keys[maxPending-1].Fingerprint != last || keys[0].ClientName != "anna" {
			t.Errorf("%d keys wait, %v: %+v", len(keys), err, keys)
		}
		if err := operator.Reject(t.Context(), id, last); err != nil {
			t.Error(err)
		}
		if keys, err = s.PendingKeys(t.Context()); len(keys) != maxPending-1 || err != nil {
			t.Errorf("%d keys wait after one was rejected, %v", len(keys), err)
		}
		wantKey(t, s, id, 1)
	})
}

// TestSharedModulus: the alarm does not depend on how the key is encoded, and
// covers keys that an earlier version has stored.
func TestSharedModulus(t *testing.T) {
	eachPlace(t, func(t *testing.T, open func(Options) *Store) {
		s := open(Options{})
		anna, berta := register(t, s, "anna"), register(t, s, "berta")
		modulus := sha256.Sum256([]byte("both"))
		offer := func(id ClientID, n byte) KeyChange {
			t.Helper()
			change, err := s.OfferKey(t.Context(), id, testKey(n), modulus)
			if err != nil {
				t.Fatal(err)
			}
			return change
		}
		mustUpdate(t, s.rows, func(x tx) error {
			_, err := x.exec(`UPDATE clients SET PublicKey = ? WHERE ID = ?`, testKey(1), anna[:])
			return err
		})
		if offer(anna, 1).Shared {
			t.Error("a client shares its key with itself")
		}
		if !offer(berta, 2).Shared || !offer(anna, 3).Shared {
			t.Error("nobody notices a shared modulus")
		}
	})
}
