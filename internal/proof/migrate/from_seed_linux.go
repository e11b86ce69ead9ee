package main

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/sealquay/sealquay/persistence"
)

// fromSeed moves what the seed's Python server left to a storage on disk.
type fromSeed struct {
	dir    string
	seed   uint64
	rounds int
}

// seenByTheSeed is when each client was last seen, in local time as all times of
// that server.
var seenByTheSeed = time.Date(2026, 11, 23, 14, 31, 26, 0, time.Local)

func newFromSeed(ctx context.Context, dir string, seed uint64) (*fromSeed, error) {
	w := &fromSeed{dir: dir, seed: seed}
	return w, w.leave(ctx)
}

func (w *fromSeed) String() string { return "the seed's server to a storage on disk" }

func (w *fromSeed) source() string { return filepath.Join(w.dir, "source") }
func (w *fromSeed) target() string { return filepath.Join(w.dir, fmt.Sprintf("round-%d", w.rounds)) }

func idOf(client int) string { return fmt.Sprintf("0123456789abcdef0123456789abcde%x", client) }

// leave makes what the server would have left.
func (w *fromSeed) leave(ctx context.Context) (err error) {
	if err := os.MkdirAll(w.source(), 0o700); err != nil {
		return err
	}
	name := url.URL{Scheme: "file", OmitHost: true, Path: filepath.Join(w.source(), "server.db")}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, table := range []string{
		`CREATE TABLE clients(ID TEXT NOT NULL PRIMARY KEY, Client_Name TEXT, Public_Key TEXT, Last_Seen TEXT, AES_Key TEXT)`,
		`CREATE TABLE files(ID TEXT, File_Name TEXT, File_Path TEXT, FILE_CRC INTEGER PRIMARY KEY, Verified INTEGER)`,
	} {
		if _, err := db.ExecContext(ctx, table); err != nil {
			return err
		}
	}
	for client := range clients {
		if err := w.leaveClient(ctx, db, client); err != nil {
			return err
		}
	}
	return nil
}

func (w *fromSeed) leaveClient(ctx context.Context, db *sql.DB, client int) error {
	name := fmt.Sprintf("client %d", client)
	_, err := db.ExecContext(ctx, `INSERT INTO clients VALUES (?, ?, ?, ?, '')`, idOf(client), name,
		base64.StdEncoding.EncodeToString(keyOf(byte(client))), seenByTheSeed.Format("02/01/06 15:04:05"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(w.source(), "Clients", name), 0o700); err != nil {
		return err
	}
	for file := range files {
		path, held := filepath.Join("Clients", name, fileName(file)), contentOf(w.seed, client, file, 0)
		if err := os.WriteFile(filepath.Join(w.source(), path), held, 0o600); err != nil {
			return err
		}
		_, err := db.ExecContext(ctx, `INSERT INTO files VALUES (?, ?, ?, ?, 1)`, idOf(client), fileName(file), path, crc32.ChecksumIEEE(held))
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *fromSeed) begin(context.Context) (args, settings []string, err error) {
	err = os.RemoveAll(w.target()) // of the round before
	w.rounds++
	return []string{"--from-seed", w.source(), "--data-dir", w.target()}, nil, err
}

// killed looks at what a person would see there.
func (w *fromSeed) killed(context.Context) (state string, err error) {
	there, err := w.stored()
	switch {
	case there == 0:
		return "without a file", err
	case there < w.contents():
		return "with some of the files", err
	}
	return "with all files", err
}

// stored counts what is in the folder of files, whatever it is.
func (w *fromSeed) stored() (n int64, err error) {
	err = filepath.WalkDir(w.target(), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !entry.IsDir() && !strings.HasPrefix(entry.Name(), "sealquay.") {
			n++
		}
		return err
	})
	return n, err
}

func (*fromSeed) contents() int64 { return clients * files }

// judge opens the target as its server does.
func (w *fromSeed) judge(ctx context.Context) (wrong []string, err error) {
	err = with(ctx, persistence.Options{DataDir: w.target()}, func(to *persistence.Store) error {
		for _, look := range []func() ([]string, error){
			func() ([]string, error) { return swept(ctx, to) },
			func() ([]string, error) { return checked(ctx, to) },
			func() ([]string, error) { return w.judgeRows(ctx, to) },
			func() ([]string, error) { return compareContents(ctx, to, w.expected()) },
		} {
			found, err := look()
			if wrong = append(wrong, found...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return wrong, err
	}
	there, err := w.stored()
	if there != w.contents() {
		wrong = append(wrong, fmt.Sprintf("%d files are on the disk, want %d", there, w.contents()))
	}
	return wrong, err
}

func (w *fromSeed) expected() (all []content) {
	for client := range clients {
		for file := range files {
			all = append(all, content{fmt.Sprintf("client %d", client), fileName(file), 1, contentOf(w.seed, client, file, 0)})
		}
	}
	return all
}

// judgeRows compares clients and the number of files; their names and contents
// are compared by who reads them.
func (w *fromSeed) judgeRows(ctx context.Context, to *persistence.Store) (wrong []string, err error) {
	n := 0
	for c, err := range to.Clients(ctx) {
		if err != nil {
			return wrong, err
		}
		// By id, which is by number.
		if c.Name != fmt.Sprintf("client %d", n) || c.ID.String() != idOf(n) || string(c.PublicKey) != string(keyOf(byte(n))) ||
			!c.LastSeen.Equal(seenByTheSeed) || c.Files != files {
			wrong = append(wrong, fmt.Sprintf("client %d is %+v", n, c))
		}
		n++
	}
	if n != clients {
		wrong = append(wrong, fmt.Sprintf("%d clients, want %d", n, clients))
	}
	var rows int64
	for f, err := range to.Files(ctx, persistence.FileFilter{}) {
		if err != nil {
			return wrong, err
		}
		if rows++; !f.Verified {
			wrong = append(wrong, fmt.Sprintf("not verified: %+v", f))
		}
	}
	if rows != w.contents() {
		wrong = append(wrong, fmt.Sprintf("%d rows of files, want %d", rows, w.contents()))
	}
	return wrong, nil
}
