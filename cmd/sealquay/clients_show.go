package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

type clientsShowCommand struct {
	configFlags
	Client string `arg:"" help:"Name or id of the client."`
	JSON   bool   `help:"Print a JSON object."`
}

// clientDetails are what --json shows of one client.
type clientDetails struct {
	ID          string        `json:"id"`
	Name        string        `json:"name"`
	Fingerprint string        `json:"fingerprint,omitzero"` // SHA-256 of the public key, as in the log
	Revoked     bool          `json:"revoked"`
	Checksum    string        `json:"checksum,omitzero"`
	Registered  time.Time     `json:"registered"`
	LastSeen    time.Time     `json:"last_seen,omitzero"`
	Files       []versionLine `json:"files"`
}

// versionLine is one verified content of one file.
type versionLine struct {
	FileName   string    `json:"file_name"`
	Number     int64     `json:"number"`
	Current    bool      `json:"current"`
	Size       int64     `json:"size"`
	CRC32      string    `json:"crc32"`
	VerifiedAt time.Time `json:"verified_at"`
	PathName   string    `json:"path_name"`
}

// Run shows all about one client. It may run beside the server.
func (s clientsShowCommand) Run(ctx context.Context, c console) error {
	store, _, err := openToLook(ctx, s.configFlags)
	if err != nil {
		return err
	}
	defer store.Close()
	row, err := findClient(ctx, store, s.Client)
	if err != nil {
		return err
	}
	details, err := describeClient(ctx, store, row)
	if err != nil {
		return err
	}
	if s.JSON {
		return json.NewEncoder(c.out).Encode(details)
	}
	return details.print(c)
}

// findClient finds a client by its name or id.
func findClient(ctx context.Context, store *persistence.Store, idOrName string) (persistence.Client, error) {
	row, err := store.FindClient(ctx, idOrName)
	if errors.Is(err, persistence.ErrUnknownClient) {
		return row, fmt.Errorf("no client has the name or id %q: sealquay clients list shows them all", idOrName)
	}
	return row, err
}

func describeClient(ctx context.Context, store *persistence.Store, row persistence.Client) (d clientDetails, err error) {
	d = clientDetails{
		ID: row.ID.String(), Name: row.Name, Fingerprint: fingerprint(row.PublicKey), Revoked: row.Revoked, Checksum: row.Checksum,
		Registered: row.Registered, LastSeen: row.LastSeen, Files: []versionLine{},
	}
	versions, err := store.Versions(ctx, row.ID, "")
	for i, v := range versions {
		d.Files = append(d.Files, versionLine{
			FileName: v.FileName, Number: v.Number, Current: i == 0 || v.FileName != versions[i-1].FileName, Size: v.Size,
			CRC32: fmt.Sprintf("%08x", v.CRC32), VerifiedAt: v.VerifiedAt, PathName: v.PathName,
		})
	}
	return d, err
}

// fingerprint is a public key's, as the log has it; "" for none.
func fingerprint(key []byte) string {
	if key == nil {
		return ""
	}
	return persistence.Fingerprint(sha256.Sum256(key)).String()
}

func (d clientDetails) print(c console) error {
	t := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	for _, line := range [][2]string{
		{"id", d.ID},
		{"name", logging.Untrusted(d.Name)},
		{"public key", orDash(d.Fingerprint)},
		{"revoked", yesOrNo(d.Revoked)},
		{"checksum", orDash(d.Checksum)},
		{"registered", moment(d.Registered)},
		{"last seen", moment(d.LastSeen)},
	} {
		fmt.Fprintf(t, "%s\t%s\n", line[0], line[1])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(d.Files) == 0 {
		_, err := fmt.Fprintln(c.out, "\nno verified file")
		return err
	}
	fmt.Fprintln(c.out)
	fmt.Fprintln(t, "FILE\tNUMBER\tSIZE\tCRC-32\tVERIFIED\t")
	for _, f := range d.Files {
		kept := ""
		if !f.Current {
			kept = "earlier"
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\t%s\n", logging.Untrusted(f.FileName), f.Number, f.Size, f.CRC32, moment(f.VerifiedAt), kept)
	}
	return t.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func yesOrNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
