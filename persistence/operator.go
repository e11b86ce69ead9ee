package persistence

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"time"
)

// PendingKey is a public key that waits for an approval, or was approved and not
// been offered since.
type PendingKey struct {
	ID          ClientID
	ClientName  string
	Fingerprint Fingerprint
	Approved    bool
	Since       time.Time // UTC
}

// PendingKeys lists the keys of all clients that wait, by client name and time.
func (s *Store) PendingKeys(ctx context.Context) (keys []PendingKey, err error) {
	err = s.view(ctx, func(t tx) error {
		return t.list(&keys, `SELECT p.ID AS id, clients.Name AS clientname, Fingerprint AS fingerprint, Approved AS approved, Since AS since
			FROM pending_keys AS p JOIN clients ON clients.ID = p.ID ORDER BY clients.Name, Since, Fingerprint`)
	})
	return keys, err
}

// Operator changes what an operator may change beside a server that works: which
// keys are approved, which clients are shut out, what hooks are told again, which
// files go. It needs no lock of the data directory: it is one more writer of the
// database, which makes each wait for the other, and it touches no content.
type Operator struct{ store *Store }

// OpenOperator opens the database of existing storage. The options are to be
// those of the server.
func OpenOperator(ctx context.Context, options Options) (*Operator, error) {
	opened, err := openRowsBeside(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", options.place(), err)
	}
	s := newStore(options)
	s.rows = opened
	return &Operator{s}, nil
}

func openRowsBeside(ctx context.Context, options Options) (database, error) {
	if options.Postgres != "" {
		return openPostgresBeside(ctx, options.Postgres)
	}
	path, err := filepath.Abs(filepath.Join(options.DataDir, databaseFile))
	if err != nil {
		return nil, err
	}
	// Not made when missing, and not brought up to date: that is for who serves.
	looking, err := readSQLite(ctx, path, url.Values{"mode": {"ro"}})
	if err != nil {
		return nil, err
	}
	if err := looking.close(); err != nil {
		return nil, err
	}
	return openSQLite(ctx, path, Full)
}

// Approve lets a client have a key. It fails with ErrUnknownKey when no such key
// waits.
func (o *Operator) Approve(ctx context.Context, id ClientID, key Fingerprint) error {
	return o.change(ctx, ErrUnknownKey, func(t tx) (int64, error) {
		return t.exec(`UPDATE pending_keys SET Approved = ? WHERE ID = ? AND Fingerprint = ?`, true, id[:], key[:])
	})
}

// Reject takes a key off the list. The client may offer it again.
func (o *Operator) Reject(ctx context.Context, id ClientID, key Fingerprint) error {
	return o.change(ctx, ErrUnknownKey, func(t tx) (int64, error) {
		return t.exec(`DELETE FROM pending_keys WHERE ID = ? AND Fingerprint = ?`, id[:], key[:])
	})
}

// Revoke shuts a client out: from its next request on it gets no key, starts no
// upload, and verifies none, on every node. Its name and its files stay.
func (o *Operator) Revoke(ctx context.Context, id ClientID) error {
	return o.change(ctx, ErrUnknownClient, func(t tx) (int64, error) {
		return t.exec(`UPDATE clients SET Revoked = ? WHERE ID = ?`, now(), id[:])
	})
}

// Restore lets a client in again that was revoked.
func (o *Operator) Restore(ctx context.Context, id ClientID) error {
	return o.change(ctx, ErrUnknownClient, func(t tx) (int64, error) {
		return t.exec(`UPDATE clients SET Revoked = NULL WHERE ID = ?`, id[:])
	})
}

// RemoveFiles removes all verified files of a client with their earlier versions,
// and calls removed for each. The server removes the content at its next sweep.
func (o *Operator) RemoveFiles(ctx context.Context, id ClientID, removed func(File)) error {
	return o.store.retain(ctx, func(t tx, page *[]fileRow) error {
		return t.list(page, `SELECT `+fileColumns+` FROM files WHERE ID = ? AND Verified ORDER BY FileName LIMIT ?`, id[:], pageSize)
	}, removed)
}

// Retry makes deliveries due now that are dead: one by its name, or all of them
// for "". It returns how many.
func (o *Operator) Retry(ctx context.Context, delivery string) (revived int64, err error) {
	err = o.store.update(ctx, func(t tx) error {
		revived, err = t.exec(`UPDATE deliveries SET Dead = ?, Attempts = 0, Due = ? WHERE Dead AND (Delivery = ? OR ? = '')`,
			false, now(), delivery, delivery)
		return err
	})
	return revived, err
}

// change makes a change to one row, which fails with missing when there is none.
func (o *Operator) change(ctx context.Context, missing error, change func(tx) (int64, error)) error {
	return o.store.update(ctx, func(t tx) error {
		changed, err := change(t)
		if err == nil && changed == 0 {
			err = missing
		}
		return err
	})
}

// Close closes the database.
func (o *Operator) Close() error { return o.store.release() }
