package main

import (
	"context"
	"fmt"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/persistence"
)

// quotaLine is what counts against a client's quotas, and the quotas. A limit of
// 0 is none.
type quotaLine struct {
	Files      int64 `json:"files"`
	FilesLimit int64 `json:"files_limit"`
	Bytes      int64 `json:"bytes"`
	BytesLimit int64 `json:"bytes_limit"`
}

// newQuotaLine returns nil when clients have no quota.
func newQuotaLine(row persistence.Client, q config.Quota) *quotaLine {
	if q.ClientFiles == 0 && q.ClientBytes == 0 {
		return nil
	}
	line := &quotaLine{Files: row.CountedFiles, FilesLimit: int64(q.ClientFiles), Bytes: row.CountedBytes, BytesLimit: q.ClientBytes}
	if row.CountedFiles < 0 { // the server has not run with this configuration
		line.Files, line.Bytes = row.Files, row.Bytes
	}
	return line
}

// String is the line's cells for quotaHeadings.
func (q *quotaLine) String() (cells string) {
	if q == nil {
		return ""
	}
	if q.FilesLimit > 0 {
		cells += "\t" + share(q.Files, q.FilesLimit)
	}
	if q.BytesLimit > 0 {
		cells += "\t" + share(q.Bytes, q.BytesLimit)
	}
	return cells
}

func quotaHeadings(q config.Quota) (headings string) {
	if q.ClientFiles > 0 {
		headings += "\tQUOTA OF FILES"
	}
	if q.ClientBytes > 0 {
		headings += "\tQUOTA OF BYTES"
	}
	return headings
}

// share is a use of a limit, for people.
func share(used, limit int64) string {
	return fmt.Sprintf("%d of %d (%.0f %%)", used, limit, float64(used)/float64(limit)*100)
}

// printTotal says how much of the quotas of all clients is used.
func printTotal(ctx context.Context, c console, store *persistence.Store, q config.Quota) error {
	files, bytes, ok, err := store.TotalUsage(ctx)
	if err != nil || !ok {
		return err
	}
	if q.TotalFiles > 0 {
		fmt.Fprintf(c.out, "All clients: %s files\n", share(files, int64(q.TotalFiles)))
	}
	if q.TotalBytes > 0 {
		fmt.Fprintf(c.out, "All clients: %s bytes\n", share(bytes, q.TotalBytes))
	}
	return nil
}
