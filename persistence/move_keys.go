package persistence

import (
	"context"
	"database/sql"
	"time"
)

// movedKey is what is known of a client's key beside the key itself.
type movedKey struct {
	ID        ClientID
	Modulus   []byte
	KeyBudget sql.NullTime
}

// movedPending is a key that waits for an approval.
type movedPending struct {
	ID          ClientID
	Fingerprint []byte
	Approved    bool
	Since       time.Time
}

// keys copies what the key policy needs, unless the target knows better.
func (m *mover) keys(ctx context.Context) error {
	var keys []movedKey
	var pending []movedPending
	err := m.from.view(ctx, func(t tx) error {
		err := t.list(&keys, `SELECT ID AS id, Modulus AS modulus, KeyBudget AS keybudget FROM clients
			WHERE Modulus IS NOT NULL OR KeyBudget IS NOT NULL`)
		if err != nil {
			return err
		}
		return t.list(&pending, `SELECT ID AS id, Fingerprint AS fingerprint, Approved AS approved, Since AS since FROM pending_keys`)
	})
	if err != nil || m.options.DryRun {
		return err
	}
	for _, k := range keys {
		if err := m.row(ctx, k.ID, `UPDATE clients SET Modulus = ?, KeyBudget = ? WHERE ID = ? AND Modulus IS NULL AND KeyBudget IS NULL`,
			k.Modulus, k.KeyBudget, k.ID[:]); err != nil {
			return err
		}
	}
	for _, p := range pending {
		if err := m.row(ctx, p.ID, `INSERT INTO pending_keys (ID, Fingerprint, Approved, Since) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			p.ID[:], p.Fingerprint, p.Approved, p.Since); err != nil {
			return err
		}
	}
	return nil
}

// revocations shuts out whom the source has shut out. It comes last: nothing is
// uploaded for who is shut out.
func (m *mover) revocations(ctx context.Context) error {
	var shut []struct {
		ID      ClientID
		Revoked time.Time
	}
	err := m.from.view(ctx, func(t tx) error {
		return t.list(&shut, `SELECT ID AS id, Revoked AS revoked FROM clients WHERE Revoked IS NOT NULL`)
	})
	for _, c := range shut {
		if err == nil && !m.options.DryRun {
			err = m.row(ctx, c.ID, `UPDATE clients SET Revoked = ? WHERE ID = ? AND Revoked IS NULL`, c.Revoked, c.ID[:])
		}
	}
	return err
}

// row changes one row of a client that the target has.
func (m *mover) row(ctx context.Context, id ClientID, query string, args ...any) error {
	if _, known := m.names[id]; !known {
		return nil
	}
	return m.to.update(ctx, func(t tx) error {
		_, err := t.exec(query, args...)
		return err
	})
}
