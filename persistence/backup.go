package persistence

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"
)

// Backup writes a copy of all rows, as of one moment, to a new file of mode
// 0600, while the store works. The file appears under its name when it is
// whole and on stable storage; it is an error when the name is taken. It is a
// database of the same kind: a restore puts it in the place of sealquay.db.
// Content is not in it.
func (s *Store) Backup(ctx context.Context, file string) error {
	if err := s.backup(ctx, file); err != nil {
		return fmt.Errorf("backup to %s: %w", file, err)
	}
	return nil
}

func (s *Store) backup(ctx context.Context, file string) error {
	temporary, err := os.CreateTemp(filepath.Dir(file), ".sealquay-backup-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	defer temporary.Close()
	path, err := filepath.Abs(temporary.Name())
	if err != nil {
		return err
	}
	if err := s.rows.copyTo(ctx, path); err != nil {
		return withSpace(err)
	}
	if err := temporary.Sync(); err != nil {
		return withSpace(err)
	}
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return cmp.Or(err, fs.ErrExist)
	}
	if err := os.Rename(path, file); err != nil {
		return err
	}
	return syncPath(filepath.Dir(file))
}

// versionRows lists the earlier versions that are kept, as if each were the
// verified file of its name.
func (s *Store) versionRows(ctx context.Context) iter.Seq2[fileRow, error] {
	return pages(func(after *fileRow) (page []fileRow, err error) {
		path := ""
		if after != nil {
			path = after.PathName
		}
		err = s.view(ctx, func(t tx) error {
			return t.list(&page, `SELECT ID AS id, FileName AS filename, PathName AS pathname, Number AS number,
				Size AS size, CRC32 AS crc32, Cksum AS cksum, Received AS received, VerifiedAt AS verifiedat
				FROM versions WHERE PathName > ? ORDER BY PathName LIMIT ?`, path, pageSize)
		})
		return page, err
	})
}

// exported is one line of an export; one of its fields is set.
type exported struct {
	Client  *exportedClient `json:"client,omitempty"`
	File    *exportedFile   `json:"file,omitempty"`
	Version *exportedFile   `json:"version,omitempty"`
}

type exportedClient struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	PublicKey  []byte    `json:"public_key,omitempty"` // Base64
	Checksum   string    `json:"checksum,omitempty"`
	Revoked    bool      `json:"revoked,omitempty"`
	Registered time.Time `json:"registered"`
	LastSeen   time.Time `json:"last_seen"`
}

type exportedFile struct {
	ID         string    `json:"id"`
	FileName   string    `json:"file_name"`
	PathName   string    `json:"path_name"`
	Verified   bool      `json:"verified"`
	Number     int64     `json:"number"`
	Size       int64     `json:"size"`
	CRC32      uint32    `json:"crc32"`
	Cksum      uint32    `json:"cksum"`
	Received   time.Time `json:"received"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
}

// Export writes all rows as JSON, one object a line: {"client":{…}} for each
// client, then {"file":{…}} for each file, then {"version":{…}} for each
// earlier version that is kept. Rows that change meanwhile are written as they
// are when their turn comes.
func (s *Store) Export(ctx context.Context, w io.Writer) error {
	buffered := bufio.NewWriter(w)
	lines := json.NewEncoder(buffered)
	for client, err := range s.Clients(ctx) {
		if err != nil {
			return fmt.Errorf("export clients: %w", err)
		}
		if err := lines.Encode(exported{Client: exportClient(client)}); err != nil {
			return err
		}
	}
	for row, err := range s.fileRows(ctx, FileFilter{}) {
		if err != nil {
			return fmt.Errorf("export files: %w", err)
		}
		if err := lines.Encode(exported{File: exportFile(row)}); err != nil {
			return err
		}
	}
	for row, err := range s.versionRows(ctx) {
		if err != nil {
			return fmt.Errorf("export versions: %w", err)
		}
		row.Verified = true
		if err := lines.Encode(exported{Version: exportFile(row)}); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

func exportClient(c Client) *exportedClient {
	return &exportedClient{
		ID: c.ID.String(), Name: c.Name, PublicKey: c.PublicKey, Checksum: c.Checksum, Revoked: c.Revoked,
		Registered: c.Registered, LastSeen: c.LastSeen,
	}
}

func exportFile(r fileRow) *exportedFile {
	f := r.file()
	return &exportedFile{
		ID: f.ID.String(), FileName: f.FileName, PathName: f.PathName, Verified: f.Verified, Number: r.Number,
		Size: f.Size, CRC32: f.CRC32, Cksum: f.Cksum, Received: f.Received, VerifiedAt: f.VerifiedAt,
	}
}
