package persistence

import (
	"context"
	"fmt"
	"time"
)

// Adopt registers a client under the id, and with the key and times, that it
// had elsewhere. A client that is there already, with this id and name, stays
// as it is: then added is false. ErrNameTaken means that another client has
// the name, or that the id has another name. A dry run changes nothing.
func (s *Store) Adopt(ctx context.Context, client Client, dryRun bool) (added bool, err error) {
	if !storable(client.Name) {
		return false, fmt.Errorf("client name %q: %w", client.Name, ErrInvalidName)
	}
	if client.PublicKey != nil && len(client.PublicKey) != PublicKeySize {
		return false, fmt.Errorf("public key of %d bytes: %w", len(client.PublicKey), ErrInvalidKey)
	}
	job := func(t tx) error {
		var there []Client
		err := t.list(&there, `SELECT ID AS id, Name AS name FROM clients WHERE ID = ? OR Name = ?`, client.ID[:], client.Name)
		if added = err == nil && len(there) == 0; err != nil {
			return err
		}
		for _, other := range there {
			if other.ID != client.ID || other.Name != client.Name {
				return ErrNameTaken
			}
		}
		if !added || dryRun {
			return nil
		}
		_, err = t.exec(`INSERT INTO clients (ID, Name, PublicKey, LastSeen, Registered, Checksum) VALUES (?, ?, ?, ?, ?, ?)`,
			client.ID[:], client.Name, client.PublicKey, client.LastSeen, client.Registered, client.Checksum)
		return err
	}
	run := s.update
	if dryRun {
		run = s.view
	}
	if err := run(ctx, job); err != nil {
		return false, fmt.Errorf("client %s %q: %w", client.ID, client.Name, err)
	}
	return added, nil
}

// sameFile returns the key under which the target has the verified file of a
// row, and "" when it has none. ErrFileConflict means that it has another one.
func (m *mover) sameFile(ctx context.Context, row fileRow) (string, error) {
	return m.same(ctx, row, `SELECT `+fileColumns+` FROM files WHERE ID = ? AND FileName = ? AND Verified`, row.ID[:], row.FileName)
}

// sameVersion is sameFile for an earlier version.
func (m *mover) sameVersion(ctx context.Context, row fileRow) (string, error) {
	return m.same(ctx, row, `SELECT PathName AS pathname, Size AS size, CRC32 AS crc32 FROM versions
		WHERE ID = ? AND FileName = ? AND Number = ?`, row.ID[:], row.FileName, row.Number)
}

func (m *mover) same(ctx context.Context, row fileRow, query string, args ...any) (string, error) {
	var there fileRow
	err := m.to.view(ctx, func(t tx) error { return t.get(&there, query, args...) })
	switch {
	case none(err):
		return "", nil
	case err != nil:
		return "", err
	case there.Size != row.Size || there.CRC32 != row.CRC32:
		return "", fmt.Errorf("%w in the target, with other content", ErrFileConflict)
	}
	return there.PathName, nil
}

// restore gives a row of the target the number and times of the source's.
func (m *mover) restore(ctx context.Context, row fileRow, key string) error {
	if m.options.DryRun {
		return nil
	}
	return m.to.update(ctx, func(t tx) error {
		_, err := t.exec(`UPDATE files SET Number = ?, Cksum = ?, Received = ?, VerifiedAt = ? WHERE PathName = ? AND Verified`,
			row.Number, row.Cksum, row.Received, row.NullVerifiedAt, key)
		return err
	})
}

// unverified copies a row that has no content, unless the target has one.
func (m *mover) unverified(ctx context.Context, row fileRow) error {
	if m.options.DryRun {
		return nil
	}
	return m.to.update(ctx, func(t tx) error {
		_, err := t.exec(`INSERT INTO files (ID, FileName, PathName, Verified, Number, Size, CRC32, Cksum, Received)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (ID, FileName) DO NOTHING`,
			row.ID[:], row.FileName, row.PathName, false, row.Number, row.Size, row.CRC32, row.Cksum, row.Received)
		return err
	})
}

// verifyVersion is Verify for the content of an earlier version.
func (u *Upload) verifyVersion(ctx context.Context, row fileRow) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.expect(received); err != nil {
		return err
	}
	err := u.publish(ctx)
	if err == nil {
		err = u.store.update(ctx, func(t tx) error {
			_, err := u.store.counted(t, u.id, u.fileName, nil, func() error { return u.recordVersion(t, row) })
			return err
		})
	}
	if err != nil {
		return u.fail("verify", err)
	}
	u.end()
	return nil
}

func (u *Upload) recordVersion(t tx, row fileRow) error {
	gone, err := t.exec(`DELETE FROM uploads WHERE Upload = ? AND State = 0 AND Owner = ?`, u.name, u.store.owner)
	if err != nil {
		return err
	}
	if gone != 1 {
		return ErrUploadState
	}
	_, err = t.exec(`INSERT INTO versions (PathName, ID, FileName, Number, Size, CRC32, Cksum, Received, VerifiedAt)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		u.key, row.ID[:], row.FileName, row.Number, row.Size, row.CRC32, row.Cksum, row.Received, row.NullVerifiedAt)
	return err
}

// movedDelivery is what a hook is still to be told of.
type movedDelivery struct {
	fileRow
	Delivery, Target, Failure string
	Attempts                  int64
	Due                       time.Time
	Dead                      bool
}

// deliveries copies what hooks are still to be told of.
func (m *mover) deliveries(ctx context.Context) error {
	var all []movedDelivery
	err := m.from.view(ctx, func(t tx) error {
		return t.list(&all, `SELECT Delivery AS delivery, Target AS target, ID AS id, FileName AS filename, PathName AS pathname,
			Number AS number, Size AS size, CRC32 AS crc32, Cksum AS cksum, VerifiedAt AS verifiedat,
			Attempts AS attempts, Due AS due, Failure AS failure, Dead AS dead FROM deliveries`)
	})
	if err != nil || m.options.DryRun {
		return err
	}
	for _, d := range all {
		if _, known := m.names[d.ID]; !known {
			continue
		}
		if err := m.to.update(ctx, d.insert); err != nil {
			return err
		}
	}
	return nil
}

// insert gives the path that the file has now, if it is there.
func (d *movedDelivery) insert(t tx) error {
	var paths []string
	err := t.list(&paths, `SELECT PathName AS pathname FROM files WHERE ID = ? AND FileName = ? AND Number = ? AND Verified`,
		d.ID[:], d.FileName, d.Number)
	if err != nil {
		return err
	}
	path := d.PathName
	if len(paths) > 0 {
		path = paths[0]
	}
	_, err = t.exec(`INSERT INTO deliveries (Delivery, Target, ID, FileName, PathName, Number, Size, CRC32, Cksum, VerifiedAt, Attempts, Due, Failure, Dead)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		d.Delivery, d.Target, d.ID[:], d.FileName, path, d.Number, d.Size, d.CRC32, d.Cksum, d.NullVerifiedAt, d.Attempts, d.Due, d.Failure, d.Dead)
	return err
}
