package persistence

import "crypto/rand"

// verified reports that a name has a verified file.
func verified(t tx, id ClientID, fileName string) (bool, error) {
	var count int
	err := t.get(&count, `SELECT COUNT(*) FROM files WHERE ID = ? AND FileName = ? AND Verified`, id[:], fileName)
	return count > 0, err
}

// supersede makes way for a new content of a name, and returns its number.
func (u *Upload) supersede(t tx) (number int64, err error) {
	var old fileRow
	err = t.get(&old, `SELECT `+fileColumns+` FROM files WHERE ID = ? AND FileName = ?`, u.id[:], u.fileName)
	if none(err) {
		return 1, nil
	}
	if err != nil || !old.Verified {
		return old.Number + 1, err
	}
	u.replaces = true
	switch u.store.options.OnConflict {
	case Refuse:
		err = ErrFileConflict
	case Keep:
		err = keepVersion(t, old, u.store.options.Keep)
	default:
		err = claim(t, rand.Text(), old.ID, old.FileName, old.PathName, stateRemove)
	}
	return old.Number + 1, err
}

// keepVersion keeps the content of a row as an earlier version, and condemns
// the versions before the last keep.
func keepVersion(t tx, old fileRow, keep int) error {
	_, err := t.exec(`INSERT INTO versions (PathName, ID, FileName, Number, Size, CRC32, Cksum, Received, VerifiedAt)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		old.PathName, old.ID[:], old.FileName, old.Number, old.Size, old.CRC32, old.Cksum, old.Received, old.NullVerifiedAt)
	if err != nil {
		return err
	}
	var surplus []string
	err = t.list(&surplus, `SELECT PathName AS pathname FROM versions WHERE ID = ? AND FileName = ? AND Number <= ?`,
		old.ID[:], old.FileName, old.Number-int64(keep))
	if err != nil {
		return err
	}
	for _, key := range surplus {
		if _, err := t.exec(`DELETE FROM versions WHERE PathName = ?`, key); err != nil {
			return err
		}
		if err := claim(t, rand.Text(), old.ID, old.FileName, key, stateRemove); err != nil {
			return err
		}
	}
	return nil
}
