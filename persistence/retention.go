package persistence

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// Retention says how long verified files are kept. A zero field keeps all.
type Retention struct {
	MaxAge   time.Duration // since the file was verified
	MaxFiles int           // of each client; those that were verified last stay
}

// Expiry is why a file was removed.
type Expiry int

// The reasons.
const (
	ExpiredByAge   Expiry = iota // it was older than Retention.MaxAge
	ExpiredByCount               // the client had more than Retention.MaxFiles
)

// Retain removes the verified files that are not to be kept, with the earlier
// versions of their names, and calls expired for each once its rows are gone.
// The content goes in the background. It may run at any time and on several
// nodes at once: a file that was replaced meanwhile is left.
func (s *Store) Retain(ctx context.Context, r Retention, expired func(File, Expiry)) error {
	if r.MaxAge > 0 {
		err := s.retain(ctx, func(t tx, page *[]fileRow) error {
			return t.list(page, `SELECT `+fileColumns+` FROM files WHERE Verified AND VerifiedAt < ? ORDER BY VerifiedAt LIMIT ?`,
				now().Add(-r.MaxAge), pageSize)
		}, func(f File) { expired(f, ExpiredByAge) })
		if err != nil {
			return fmt.Errorf("retention by age: %w", err)
		}
	}
	if r.MaxFiles <= 0 {
		return nil
	}
	var rich []ClientID
	err := s.view(ctx, func(t tx) error {
		return t.list(&rich, `SELECT ID AS id FROM files WHERE Verified GROUP BY ID HAVING COUNT(*) > ?`, r.MaxFiles)
	})
	for _, id := range rich {
		if err != nil {
			break
		}
		err = s.retain(ctx, func(t tx, page *[]fileRow) error {
			return t.list(page, `SELECT `+fileColumns+` FROM files WHERE ID = ? AND Verified
				ORDER BY VerifiedAt DESC, FileName LIMIT ? OFFSET ?`, id[:], pageSize, r.MaxFiles)
		}, func(f File) { expired(f, ExpiredByCount) })
	}
	if err != nil {
		return fmt.Errorf("retention by count: %w", err)
	}
	return nil
}

// retain removes what select finds, page by page, until it finds nothing that
// can be removed.
func (s *Store) retain(ctx context.Context, find func(tx, *[]fileRow) error, expired func(File)) error {
	for {
		var page []fileRow
		if err := s.view(ctx, func(t tx) error { return find(t, &page) }); err != nil {
			return err
		}
		removed := 0
		for _, row := range page {
			gone, err := s.expire(ctx, row)
			if err != nil {
				return err
			}
			if gone {
				removed++
				expired(row.file())
			}
		}
		s.wakeRemoval()
		if removed == 0 {
			return nil
		}
	}
}

// expire removes a verified file with the earlier versions of its name, unless
// it has changed meanwhile.
func (s *Store) expire(ctx context.Context, row fileRow) (gone bool, err error) {
	name := rand.Text() // of the claim
	err = s.update(ctx, func(t tx) error {
		_, err := s.counted(t, row.ID, row.FileName, nil, func() error {
			gone, err = expireRows(t, row, name)
			return err
		})
		return err
	})
	return gone && err == nil, err
}

func expireRows(t tx, row fileRow, name string) (gone bool, err error) {
	deleted, err := t.exec(`DELETE FROM files WHERE ID = ? AND FileName = ? AND PathName = ? AND Verified`,
		row.ID[:], row.FileName, row.PathName)
	if err != nil || deleted == 0 {
		return false, err
	}
	if err := claim(t, name, row.ID, row.FileName, row.PathName, stateRemove); err != nil {
		return false, err
	}
	var versions []string
	err = t.list(&versions, `SELECT PathName AS pathname FROM versions WHERE ID = ? AND FileName = ?`, row.ID[:], row.FileName)
	if err != nil {
		return false, err
	}
	for _, path := range versions {
		if _, err := t.exec(`DELETE FROM versions WHERE PathName = ?`, path); err != nil {
			return false, err
		}
		if err := claim(t, rand.Text(), row.ID, row.FileName, path, stateRemove); err != nil {
			return false, err
		}
	}
	return true, nil
}
