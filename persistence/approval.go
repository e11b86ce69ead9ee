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

// Approvals changes what an operator may change beside a server that works: which
// keys are approved. It does nothing else to the storage, so it needs no lock of
// the data directory: it is one more writer of the database, which makes each
// wait for the other.
type Approvals struct{ rows rows }

// OpenApprovals opens the database of existing storage. Of the options only
// those count that say where the rows are.
func OpenApprovals(ctx context.Context, options Options) (*Approvals, error) {
	opened, err := openRowsBeside(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", options.place(), err)
	}
	return &Approvals{opened}, nil
}

func openRowsBeside(ctx context.Context, options Options) (rows, error) {
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
func (a *Approvals) Approve(ctx context.Context, id ClientID, key Fingerprint) error {
	return a.change(ctx, func(t tx) (int64, error) {
		return t.exec(`UPDATE pending_keys SET Approved = ? WHERE ID = ? AND Fingerprint = ?`, true, id[:], key[:])
	})
}

// Reject takes a key off the list. The client may offer it again.
func (a *Approvals) Reject(ctx context.Context, id ClientID, key Fingerprint) error {
	return a.change(ctx, func(t tx) (int64, error) {
		return t.exec(`DELETE FROM pending_keys WHERE ID = ? AND Fingerprint = ?`, id[:], key[:])
	})
}

func (a *Approvals) change(ctx context.Context, change func(tx) (int64, error)) error {
	return a.rows.update(ctx, func(t tx) error {
		changed, err := change(t)
		if err == nil && changed == 0 {
			err = ErrUnknownKey
		}
		return err
	})
}

// Close closes the database.
func (a *Approvals) Close() error { return a.rows.close() }
