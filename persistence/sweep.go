package persistence

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"strings"
)

// SweepReport tells what Sweep found.
type SweepReport struct {
	Intents     int      // uploads that nobody goes on with
	Removed     int      // contents removed: of such uploads, and replaced ones
	Quarantined []string // keys of content that no row explained
	Drafts      []string // keys of drafts that no row explained, and that were given up
	Missing     []File   // verified files whose content is not there
}

// Sweep removes what should not be there, and reports what should be and is
// not. It is meant to run once after Open and then from time to time, while
// the store works.
//
// What the rows know to be left over is removed: intents of uploads that have
// ended without their row, and replaced content. Content that no row explains
// is moved to quarantine instead: the store itself never leaves such, so it was
// put there by hand, or the database was restored from a backup and the
// content is a file that was acknowledged after it.
func (s *Store) Sweep(ctx context.Context) (SweepReport, error) {
	var report SweepReport
	if s.readOnly() {
		return report, ErrReadOnly
	}
	var failed []error
	for _, step := range []func(context.Context, *SweepReport) error{
		s.sweepIntents, s.sweepDrafts, s.sweepStrays, s.sweepClaims, s.sweepMissing,
	} {
		failed = append(failed, step(ctx, &report))
	}
	return report, errors.Join(failed...)
}

// sweepIntents condemns the intents of this store's uploads that are not live:
// Discard could not remove them. Those of others are for leaseLoop.
func (s *Store) sweepIntents(ctx context.Context, report *SweepReport) error {
	var intents []intent
	err := s.view(ctx, func(t tx) error {
		return t.list(&intents, `SELECT Upload AS upload, ID AS id, FileName AS filename FROM uploads
			WHERE State = 0 AND Owner = ?`, s.owner)
	})
	if err != nil {
		return err
	}
	for _, i := range intents {
		if s.isLive(i.Upload) {
			continue
		}
		if err := s.update(ctx, func(t tx) error { return s.withdraw(t, i, true) }); err != nil {
			return err
		}
		report.Intents++
	}
	return nil
}

func (s *Store) isLive(upload string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, live := s.live[upload]
	return live
}

// sweepDrafts gives up the drafts that no row claims: the row of an upload comes
// before its draft, so the upload is over.
func (s *Store) sweepDrafts(ctx context.Context, report *SweepReport) error {
	return s.strayDrafts(ctx, func(key string) error {
		report.Drafts = append(report.Drafts, key)
		return s.content.abort(ctx, key)
	})
}

// strayDrafts visits the keys of drafts that no upload under way, and no claim
// for removal, accounts for.
func (s *Store) strayDrafts(ctx context.Context, visit func(key string) error) error {
	return s.content.drafts(ctx, func(key string) error {
		var uploads int
		err := s.view(ctx, func(t tx) error {
			return t.get(&uploads, `SELECT COUNT(*) FROM uploads WHERE PathName = ?`, key)
		})
		if err != nil || uploads > 0 {
			return err
		}
		return visit(key)
	})
}

// sweepStrays claims for quarantine what no row claims. The claim keeps an
// upload that begins meanwhile away from the key.
func (s *Store) sweepStrays(ctx context.Context, report *SweepReport) error {
	return s.strays(ctx, func(key string, _ int64) error {
		quarantined, err := s.claimStray(ctx, key)
		if quarantined {
			report.Quarantined = append(report.Quarantined, key)
		}
		return err
	})
}

// strays visits the content that no row claims.
func (s *Store) strays(ctx context.Context, visit func(key string, size int64) error) error {
	return s.content.walk(ctx, func(key string, size int64) error {
		var known bool
		err := s.view(ctx, func(t tx) (err error) {
			known, err = claimed(t, key)
			return err
		})
		if err != nil || known {
			return err
		}
		// It may have been removed, and its claim given up, since it was seen.
		if _, err := s.content.size(ctx, key); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return visit(key, size)
	})
}

func (s *Store) claimStray(ctx context.Context, key string) (claimedNow bool, err error) {
	name := rand.Text()
	err = s.update(ctx, func(t tx) error {
		known, err := lockClaimed(t, key)
		if claimedNow = err == nil && !known; !claimedNow {
			return err
		}
		return claim(t, name, ownerOf(key), key[strings.LastIndexByte(key, '/')+1:], key, stateQuarantine)
	})
	return claimedNow && err == nil, err
}

// ownerOf is the client in whose folder a key is; zero when it is in none.
func ownerOf(key string) ClientID {
	if parts := strings.Split(key, "/"); len(parts) == 3 {
		id, _ := ParseClientID(parts[1]) // zero when it is not one
		return id
	}
	return ClientID{}
}

func (s *Store) sweepClaims(ctx context.Context, report *SweepReport) (err error) {
	report.Removed, err = s.removeClaimed(ctx)
	return err
}

func (s *Store) sweepMissing(ctx context.Context, report *SweepReport) error {
	for row, err := range s.fileRows(ctx, FileFilter{Verified: true}) {
		if err != nil {
			return err
		}
		_, err := s.content.size(ctx, row.PathName)
		if err == nil {
			continue
		}
		same, err := s.unchanged(ctx, row)
		if err != nil {
			return err
		}
		if same {
			report.Missing = append(report.Missing, row.file())
		}
	}
	return nil
}

// unchanged reports that a row still points at the content it did: what does
// not agree with a row that has changed meanwhile proves nothing.
func (s *Store) unchanged(ctx context.Context, row fileRow) (same bool, err error) {
	var count int
	err = s.view(ctx, func(t tx) error {
		return t.get(&count, `SELECT (SELECT COUNT(*) FROM files WHERE PathName = ? AND Verified)
			+ (SELECT COUNT(*) FROM versions WHERE PathName = ?)`, row.PathName, row.PathName)
	})
	return count > 0, err
}
