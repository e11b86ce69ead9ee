package seed

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sealquay/sealquay/persistence"
	_ "modernc.org/sqlite" // the driver
)

// databaseFile is what the old server calls its database.
const databaseFile = "server.db"

// openDatabase opens the old database, to read it.
func openDatabase(dir string) (*sql.DB, error) {
	path, err := filepath.Abs(filepath.Join(dir, databaseFile))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	name := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: "mode=ro"}
	return sql.Open("sqlite", name.String())
}

// clientRow is a row of clients, as text.
type clientRow struct{ id, name, key, lastSeen string }

// fileRow is a row of files, as text.
type fileRow struct{ id, name, path, crc, verified string }

func readClients(ctx context.Context, db *sql.DB) (all []clientRow, err error) {
	found, err := db.QueryContext(ctx, `SELECT COALESCE(CAST(ID AS TEXT), ''), COALESCE(CAST(Client_Name AS TEXT), ''),
		COALESCE(CAST(Public_Key AS TEXT), ''), COALESCE(CAST(Last_Seen AS TEXT), '') FROM clients ORDER BY rowid`)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var row clientRow
		if err := found.Scan(&row.id, &row.name, &row.key, &row.lastSeen); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, found.Err()
}

func readFiles(ctx context.Context, db *sql.DB) (all []fileRow, err error) {
	found, err := db.QueryContext(ctx, `SELECT COALESCE(CAST(ID AS TEXT), ''), COALESCE(CAST(File_Name AS TEXT), ''),
		COALESCE(CAST(File_Path AS TEXT), ''), COALESCE(CAST(FILE_CRC AS TEXT), ''), COALESCE(CAST(Verified AS TEXT), '')
		FROM files ORDER BY rowid`)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var row fileRow
		if err := found.Scan(&row.id, &row.name, &row.path, &row.crc, &row.verified); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, found.Err()
}

// untilNUL is a text of the old server, which may have kept its padding.
func untilNUL(text string) string {
	text, _, _ = strings.Cut(text, "\x00")
	return text
}

// client reads a row. Doubts are what does not fit of a client that is taken
// over nevertheless, without it.
func (r clientRow) client() (client persistence.Client, doubts []error, err error) {
	if client.ID, err = persistence.ParseClientID(r.id); err != nil {
		return client, nil, err
	}
	client.Name = untilNUL(r.name)
	now := time.Now().UTC().Truncate(time.Microsecond)
	client.LastSeen, err = time.ParseInLocation("02/01/06 15:04:05", r.lastSeen, time.Local)
	if err != nil {
		doubts = append(doubts, fmt.Errorf("last seen %q is not dd/mm/yy HH:MM:SS: now is put in its place", r.lastSeen))
		client.LastSeen = now
	}
	client.LastSeen = client.LastSeen.UTC()
	client.Registered = client.LastSeen
	if r.key == "" {
		return client, doubts, nil
	}
	key, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(r.key), ""))
	switch {
	case err != nil:
		doubts = append(doubts, errors.New("the public key is not Base64: the client has to send it again"))
	case len(key) != persistence.PublicKeySize:
		doubts = append(doubts, fmt.Errorf("the public key has %d bytes, not %d: the client has to send it again", len(key), persistence.PublicKeySize))
	default:
		client.PublicKey = key
	}
	return client, doubts, nil
}

// confirmed reports that the client has confirmed the file's CRC.
func (r fileRow) confirmed() bool { return r.verified == "1" || strings.EqualFold(r.verified, "true") }

// sum is the CRC that the client has confirmed, of either kind.
func (r fileRow) sum() (uint32, error) {
	n, err := strconv.ParseInt(r.crc, 0, 64)
	if err != nil || n > 1<<32-1 || n < -1<<31 {
		return 0, fmt.Errorf("the CRC %q is not a number of 32 bits", r.crc)
	}
	return uint32(n), nil
}
