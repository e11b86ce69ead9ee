package main

import (
	"context"
	"fmt"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

type filesCommand struct {
	List filesListCommand `cmd:"" help:"List the files: client, name, size, CRC, whether verified, and where they are."`
	Get  filesGetCommand  `cmd:"" help:"Copy a verified file out of the storage, and check it on the way."`
}

type filesListCommand struct {
	configFlags
	JSON     bool   `help:"Print a JSON array."`
	Client   string `placeholder:"ID" help:"Only the files of the client with this id."`
	Verified bool   `help:"Only verified files."`
}

// fileLine is a file as --json shows it.
type fileLine struct {
	ClientID   string    `json:"client_id"`
	ClientName string    `json:"client_name"`
	FileName   string    `json:"file_name"`
	PathName   string    `json:"path_name"` // relative to the data directory
	Path       string    `json:"path"`
	Number     int64     `json:"number"` // of the version; 0 before the first is verified
	Verified   bool      `json:"verified"`
	Size       int64     `json:"size"`
	CRC32      string    `json:"crc32"` // 8 hexadecimal digits
	Cksum      uint32    `json:"cksum"` // as POSIX cksum prints it
	Received   time.Time `json:"received"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
}

// Run lists the files. It may run beside the server.
func (l filesListCommand) Run(ctx context.Context, c console) error {
	store, cfg, err := openToLook(ctx, l.configFlags)
	if err != nil {
		return err
	}
	defer store.Close()
	filter := persistence.FileFilter{Verified: l.Verified}
	if l.Client != "" {
		id, err := persistence.ParseClientID(l.Client)
		if err != nil {
			return err
		}
		filter.Client = &id
	}
	lines := transform(store.Files(ctx, filter), func(row persistence.File) fileLine { return newFileLine(row, filesDir(cfg)) })
	if l.JSON {
		return writeArray(c, lines)
	}
	t := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "CLIENT\tFILE\tSIZE\tCRC-32\tVERIFIED\tPATH")
	for line, err := range lines {
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\n", logging.Untrusted(line.ClientName), logging.Untrusted(line.FileName),
			line.Size, line.CRC32, verifiedWord(line), logging.Untrusted(line.Path))
	}
	return t.Flush()
}

// filesDir is the directory below which files are, "" when they are on no disk
// of this machine.
func filesDir(cfg *config.Config) string {
	if cfg.Storage.Content == config.ContentS3 {
		return ""
	}
	return cfg.DataDir
}

func newFileLine(row persistence.File, dir string) fileLine {
	path := row.PathName
	if dir != "" {
		path = filepath.Join(dir, row.PathName)
	}
	if absolute, err := filepath.Abs(path); err == nil && dir != "" {
		path = absolute
	}
	return fileLine{
		ClientID:   row.ID.String(),
		ClientName: row.ClientName,
		FileName:   row.FileName,
		PathName:   row.PathName,
		Path:       path,
		Number:     row.Number,
		Verified:   row.Verified,
		Size:       row.Size,
		CRC32:      fmt.Sprintf("%08x", row.CRC32),
		Cksum:      row.Cksum,
		Received:   row.Received,
		VerifiedAt: row.VerifiedAt,
	}
}

func verifiedWord(f fileLine) string {
	if f.Verified {
		return moment(f.VerifiedAt)
	}
	return "no"
}
