package persistence

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
)

// plainFree reports that nothing is at the plain key of a name. Something may
// be there that no row knows: put there by hand, or under a name that the file
// system takes for the same. When it cannot be told, the key is not used.
//
// Content that is not on a disk of this machine never has a plain key. A plain
// key is used again once its content is removed; far away a removal may still
// be on its way then.
func (s *Store) plainFree(ctx context.Context, id ClientID, fileName string) bool {
	if !s.onDisk {
		return false
	}
	_, err := s.content.size(ctx, plainKey(id, fileName))
	return errors.Is(err, fs.ErrNotExist)
}

// reserved reports that the journal of the disk has something for a key, which
// must not be used for anything else meanwhile.
func (s *Store) reserved(key string) bool {
	disk, is := s.content.(*disk)
	return is && disk.journal.has(key)
}

// intend records the intent under a key that no row has.
func (u *Upload) intend(t tx, size int64, plainFree bool) error {
	if u.store.options.OnConflict == Refuse {
		if exists, err := verified(t, u.id, u.fileName); err != nil || exists {
			return cmp.Or(err, ErrFileConflict)
		}
	}
	counts := u.store.options.counts()
	if key := plainKey(u.id, u.fileName); plainFree && !u.store.reserved(key) {
		u.key = key
		if err := t.lock(u.key); err != nil {
			return err
		}
		added, err := t.exec(insertIntent+` AND `+unclaimed,
			u.name, u.fileName, u.key, size, u.store.owner, now(), counts, u.id[:], u.key, u.key, u.key)
		if err != nil || added == 1 {
			return err
		}
	}
	u.key = versionKey(u.id, u.name, u.fileName)
	added, err := t.exec(insertIntent, u.name, u.fileName, u.key, size, u.store.owner, now(), counts, u.id[:])
	if err == nil && added == 0 {
		err = whyShutOut(t, u.id, ErrUnknownClient)
	}
	return err
}

const insertIntent = `INSERT INTO uploads (Upload, ID, FileName, PathName, Size, State, Owner, Started, Counted)
	SELECT ?, ID, ?, ?, ?, 0, ?, ?, ? FROM clients WHERE ID = ? AND Revoked IS NULL`

// intended reports that an earlier run of intend was committed after all. Where
// there are quotas it waits for one whose commit is still under way: what that
// has reserved must not count twice.
func (u *Upload) intended(t tx) (bool, error) {
	if u.key == "" {
		return false, nil // this is the first run
	}
	if u.store.options.counts() != countedNot {
		if _, err := u.store.lockUsage(t, u.id); err != nil {
			return false, err
		}
	}
	err := t.get(&u.key, `SELECT PathName AS pathname FROM uploads WHERE Upload = ?`, u.name)
	if none(err) {
		return false, nil
	}
	return err == nil, err
}
