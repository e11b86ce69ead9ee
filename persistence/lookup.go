package persistence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// FindClient reads the client that an operator means: by its id, as 32
// hexadecimal digits, else by its name. An id comes first, because anybody may
// register another's id as a name. It fails with ErrUnknownClient.
func (s *Store) FindClient(ctx context.Context, idOrName string) (Client, error) {
	if id, err := ParseClientID(idOrName); err == nil {
		client, err := s.Client(ctx, id)
		if !errors.Is(err, ErrUnknownClient) {
			return client, err
		}
	}
	var id ClientID
	err := s.view(ctx, func(t tx) error {
		return t.get(&id, `SELECT ID AS id FROM clients WHERE Name = ?`, idOrName)
	})
	if none(err) {
		err = ErrUnknownClient
	}
	if err != nil {
		return Client{}, fmt.Errorf("client %q: %w", idOrName, err)
	}
	return s.Client(ctx, id)
}

// Versions lists the verified contents of a client's file, the newest first: the
// current one, then those that are kept. For an empty name it lists those of all
// its files, by name.
func (s *Store) Versions(ctx context.Context, id ClientID, fileName string) (all []File, err error) {
	which, args := `ID = ?`, []any{id[:]}
	if fileName != "" {
		which, args = `ID = ? AND FileName = ?`, []any{id[:], fileName}
	}
	var rows []fileRow
	err = s.view(ctx, func(t tx) error {
		return t.list(&rows, `SELECT ID AS id, FileName AS filename, PathName AS pathname, Number AS number, Size AS size,
			CRC32 AS crc32, Cksum AS cksum, Received AS received, VerifiedAt AS verifiedat
			FROM files WHERE `+which+` AND Verified
			UNION ALL SELECT ID, FileName, PathName, Number, Size, CRC32, Cksum, Received, VerifiedAt
			FROM versions WHERE `+which+` ORDER BY filename, number DESC`, slices.Concat(args, args)...)
	})
	for _, row := range rows {
		row.Verified = true
		all = append(all, row.file())
	}
	return all, err
}

// ErrNoFile means that a client has no verified file of this name, or none of
// this number.
var ErrNoFile = errors.New("no verified file has this name")

// Read opens a verified content: that with the given number, or the current one
// for 0. The caller closes it, and compares what it reads with the version's
// size and CRC. It fails with ErrNoFile.
func (s *Store) Read(ctx context.Context, id ClientID, fileName string, number int64) (v File, content io.ReadCloser, err error) {
	for {
		before := v
		if v, err = s.version(ctx, id, fileName, number); err != nil {
			return v, nil, fmt.Errorf("file %q of client %s: %w", fileName, id, err)
		}
		content, err = s.Content(ctx, v)
		// It may have been replaced between the two; the same row twice without
		// its content is a fault that check reports.
		if errors.Is(err, fs.ErrNotExist) && v.PathName != before.PathName {
			continue
		}
		return v, content, err
	}
}

func (s *Store) version(ctx context.Context, id ClientID, fileName string, number int64) (File, error) {
	all, err := s.Versions(ctx, id, fileName)
	if err != nil {
		return File{}, err
	}
	for _, v := range all {
		if number == 0 || v.Number == number {
			return v, nil
		}
	}
	return File{}, ErrNoFile
}
