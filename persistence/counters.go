package persistence

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/sealquay/sealquay/internal/measure"
)

// counters count what the store does.
type counters struct {
	full   atomic.Int64 // faults for want of space
	failed atomic.Int64 // other faults
}

// fault counts err if the storage is to blame for it, and returns it.
func (c *counters) fault(err error) error {
	switch {
	case !isFault(err):
	case errors.Is(withSpace(err), ErrNoSpace):
		c.full.Add(1)
	default:
		c.failed.Add(1)
	}
	return err
}

// isFault tells a failure of the storage from an answer of it, and from callers
// who gave up.
func isFault(err error) bool {
	if err == nil || none(err) {
		return false
	}
	if refusal := (*QuotaError)(nil); errors.As(err, &refusal) {
		return false
	}
	for _, answer := range []error{
		ErrNameTaken, ErrUnknownClient, ErrRevoked, ErrInvalidName, ErrInvalidKey, ErrKeyPinned, ErrKeyChanges, ErrFileConflict, ErrUploadState,
		ErrClosed, ErrReadOnly, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, answer) {
			return false
		}
	}
	return true
}

// A Snapshot says what a Store does, and what it did since it was opened. Sizes
// are bytes.
type Snapshot struct {
	Uploads int64 // that have begun and not ended

	Waiting   int64                 // jobs that wait for a commit
	Groups    measure.SizesSnapshot // jobs of one commit
	Commits   measure.TimesSnapshot // from the beginning of a transaction to its end, without the flush
	Flushes   measure.TimesSnapshot // of content
	Directory measure.TimesSnapshot // flushes of a directory's entries
	Log       measure.TimesSnapshot // flushes of the database's log

	FullFaults  int64 // operations that failed for want of space
	OtherFaults int64 // operations that failed otherwise

	SpaceKnown          bool // the next two were found out
	SpaceFree, SpaceAll int64
	DatabaseBytes       int64 // with its log; 0 where the database is not in the data directory
}

// Snapshot may be called from anywhere, also after Close. It asks the operating
// system for the free space, and nothing of the database.
func (s *Store) Snapshot() Snapshot {
	s.mu.Lock()
	uploads := len(s.live)
	s.mu.Unlock()
	n := Snapshot{
		Uploads:     int64(uploads),
		FullFaults:  s.counters.full.Load(),
		OtherFaults: s.counters.failed.Load(),
	}
	for _, part := range []any{s.rows, s.content} {
		if c, counts := part.(counted); counts {
			c.count(&n)
		}
	}
	n.SpaceFree, n.SpaceAll, n.SpaceKnown = space(s.options.DataDir)
	for _, name := range []string{databaseFile, databaseFile + "-wal"} {
		if info, err := os.Stat(filepath.Join(s.options.DataDir, name)); err == nil {
			n.DatabaseBytes += info.Size()
		}
	}
	return n
}

// counted is a place for rows or content that counts what it does. Not all have
// the same to tell.
type counted interface{ count(*Snapshot) }

// maxCounted bounds what WaitingRemovals looks at.
const maxCounted = 10_000

// WaitingRemovals returns how many contents wait to be removed, up to 10,000:
// replaced and discarded ones. It reads rows.
func (s *Store) WaitingRemovals(ctx context.Context) (n int64, err error) {
	err = s.view(ctx, func(t tx) error {
		return t.get(&n, `SELECT COUNT(*) FROM (SELECT 1 FROM uploads WHERE State <> 0 LIMIT ?) AS waiting`, maxCounted)
	})
	return n, err
}

func (r *sqliteRows) count(s *Snapshot) {
	if r.group != nil {
		r.group.count(s)
	}
}

func (g *group) count(s *Snapshot) {
	g.mu.Lock()
	s.Waiting = int64(len(g.waiting))
	g.mu.Unlock()
	s.Groups, s.Commits = g.sizes.Load(), g.commits.Load()
	if g.flusher != nil {
		s.Log = g.flusher.times.Load()
	}
}

func (r *postgresRows) count(s *Snapshot) { s.Commits = r.commits.Load() }

func (d *disk) count(s *Snapshot) {
	if d.syncs != nil {
		s.Flushes, s.Directory = d.syncs.contents.Load(), d.syncs.directories.Load()
	}
}
