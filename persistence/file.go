package persistence

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
)

// Sums are the checksums of a file's content, both kinds that clients use.
type Sums struct {
	CRC32 uint32 // as zlib has it
	Cksum uint32 // POSIX cksum
}

// File is what is recorded under one name of one client.
type File struct {
	ID         ClientID
	ClientName string // in lists only
	FileName   string
	PathName   string // of the content, relative to the data directory
	Verified   bool
	Number     int64 // of the version, from 1; 0 before the first is verified
	Size       int64
	CRC32      uint32
	Cksum      uint32
	Received   time.Time // UTC
	VerifiedAt time.Time `db:"-"` // UTC; zero unless Verified
}

// FileFilter selects files. The zero value selects all.
type FileFilter struct {
	Client   *ClientID // only of this client
	Verified bool      // only verified ones
}

// fileRow is a File as the tables hold it.
type fileRow struct {
	File
	NullVerifiedAt sql.NullTime `db:"verifiedat"`
}

func (r fileRow) file() File {
	f := r.File
	f.VerifiedAt = r.NullVerifiedAt.Time
	return f
}

const fileColumns = `files.ID AS id, FileName AS filename, PathName AS pathname, Verified AS verified, Number AS number,
	Size AS size, CRC32 AS crc32, Cksum AS cksum, Received AS received, VerifiedAt AS verifiedat`

// checkFileName refuses what cannot be the last part of a path.
func checkFileName(name string) error {
	if !storable(name) || name == "." || name == ".." || strings.ContainsAny(name, `/\`) {
		return fmt.Errorf("file name %q: %w", name, ErrInvalidName)
	}
	return nil
}

// Files lists files, by client id and name. An error ends the list.
func (s *Store) Files(ctx context.Context, filter FileFilter) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		for row, err := range s.fileRows(ctx, filter) {
			if !yield(row.file(), err) {
				return
			}
		}
	}
}

// Content reads the content of a verified file, as Files lists it;
// fs.ErrNotExist when it was replaced since. The caller closes it.
func (s *Store) Content(ctx context.Context, file File) (io.ReadCloser, error) {
	if s.closed.Load() {
		return nil, ErrClosed
	}
	return s.openContent(ctx, file.PathName)
}

// openContent reads what is under a key: from the journal where a store that is
// only looked at has it there, because after a power cut its file may not be right
// before the next opening.
func (s *Store) openContent(ctx context.Context, key string) (io.ReadCloser, error) {
	content, found, err := s.inJournal(key)
	if err != nil {
		return nil, err
	}
	if found {
		return io.NopCloser(bytes.NewReader(content)), nil
	}
	return s.content.open(ctx, key)
}

func (s *Store) fileRows(ctx context.Context, filter FileFilter) iter.Seq2[fileRow, error] {
	return pages(func(after *fileRow) (page []fileRow, err error) {
		first, last, name := filter.bounds(after)
		err = s.view(ctx, func(t tx) error {
			return t.list(&page, `SELECT `+fileColumns+`, clients.Name AS clientname
				FROM files JOIN clients ON clients.ID = files.ID
				WHERE (files.ID, FileName) > (?, ?) AND files.ID <= ? AND (Verified OR NOT ?)
				ORDER BY files.ID, FileName LIMIT ?`, first[:], name, last[:], filter.Verified, pageSize)
		})
		return page, err
	})
}

// bounds says where the page after a row begins, and the last id of all.
func (f FileFilter) bounds(after *fileRow) (first, last ClientID, name string) {
	for i := range last {
		last[i] = 0xff
	}
	if f.Client != nil {
		first, last = *f.Client, *f.Client
	}
	if after != nil {
		first, name = after.ID, after.FileName
	}
	return first, last, name
}
