package persistence

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Upload is the content of one file on its way to being verified. Begin makes
// it; it ends with Verify or Discard, one of which must be called. Its methods
// are safe for concurrent use and wait for each other.
type Upload struct {
	store    *Store
	name     string // of the intent row
	id       ClientID
	fileName string
	key      string
	intent   mark // of its commit

	mu       sync.Mutex
	stage    stage
	failed   error // why it can no longer be verified
	recorded bool  // recordVerified has run to its end, and may have been committed
	draft    draft
	size     int64
	sums     Sums
	received time.Time
	flush    *flush // begun by Received
	replaces bool   // Verify has condemned an earlier content
	owed     int64  // bytes that were announced and are still to come
	warnings []QuotaWarning
}

type stage int

const (
	writing   stage = iota // Begin was called
	received               // Received was called
	published              // Verify may have made the content visible
	ended                  // verified or discarded
)

// Begin starts the upload of a file of a client: ErrUnknownClient when there
// is no such client, ErrInvalidName when the name cannot be stored,
// ErrFileConflict when a verified file has the name and conflicts are refused.
// size, in bytes, is the least that the content is going to have. So much is
// reserved: a QuotaError when a quota does not allow it, ErrLowSpace when it does
// not fit the disk.
//
// The intent, which fixes where the content shall be, is committed before any
// content is made, and on stable storage before that can have a name, or be
// elsewhere than on this machine: so nothing is ever left behind without a trace.
func (s *Store) Begin(ctx context.Context, id ClientID, fileName string, size int64) (*Upload, error) {
	if err := checkFileName(fileName); err != nil {
		return nil, err
	}
	u := &Upload{store: s, name: rand.Text(), id: id, fileName: fileName}
	if err := s.lowWater.enter(size); err != nil {
		return nil, u.wrap("begin", err)
	}
	u.owed = size
	free := s.plainFree(ctx, id, fileName)
	s.hold(u.name)
	var err error
	u.intent, err = s.record(ctx, func(t tx) error { return u.reserve(t, size, free) })
	if err == nil && !s.onDisk {
		err = s.rows.settle(ctx, u.intent)
	}
	if err != nil {
		s.drop(u.name)
		s.lowWater.leave(u.owed)
		return nil, u.wrap("begin", err)
	}
	if u.draft, err = s.content.create(ctx, u.key); s.counters.fault(err) != nil {
		err = u.wrap("begin", withSpace(err))
		return nil, errors.Join(err, u.Discard(context.WithoutCancel(ctx)))
	}
	return u, nil
}

// QuotaWarnings returns what Begin found: the quotas of which so much is used
// from now on that somebody ought to know.
func (u *Upload) QuotaWarnings() []QuotaWarning { return u.warnings }

// Write adds content. An error ends the upload: all that is left is Discard.
func (u *Upload) Write(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.expect(writing); err != nil {
		return 0, err
	}
	n, err := u.draft.Write(p)
	u.size += int64(n)
	u.wrote(int64(n))
	if u.store.counters.fault(err) != nil {
		return n, u.fail("write", err)
	}
	return n, nil
}

// wrote notes that so much of what was announced is on the disk.
func (u *Upload) wrote(n int64) {
	if n = min(n, u.owed); n > 0 {
		u.owed -= n
		u.store.lowWater.wrote(n)
	}
}

// Received says that the content is complete and has these checksums: it is
// recorded as not verified. A row that says Verified is left as it is. The
// content is being flushed from now on, and Verify waits for that. A QuotaError is possible
// when there is more of it than was announced.
func (u *Upload) Received(ctx context.Context, sums Sums) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.expect(writing); err != nil {
		return err
	}
	u.stage, u.sums, u.received = received, sums, now()
	u.flush = startFlush(ctx, u.draft.flush, u.settleIntent)
	if _, err := u.store.record(ctx, u.settleSize); err != nil {
		return u.fail("record received", err)
	}
	return nil
}

// settleIntent waits until the intent is on stable storage. Mostly it is by now.
func (u *Upload) settleIntent(ctx context.Context) error {
	return u.store.rows.settle(ctx, u.intent)
}

func (u *Upload) recordReceived(t tx) error {
	_, err := t.exec(`INSERT INTO files (ID, FileName, PathName, Verified, Number, Size, CRC32, Cksum, Received)
		VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?)
		ON CONFLICT (ID, FileName) DO UPDATE SET PathName = excluded.PathName, Size = excluded.Size,
		CRC32 = excluded.CRC32, Cksum = excluded.Cksum, Received = excluded.Received
		WHERE NOT files.Verified`,
		u.id[:], u.fileName, u.key, false, u.size, u.sums.CRC32, u.sums.Cksum, u.received)
	return err
}

// Verify makes the file verified, and returns nil only when that will survive
// what Options.Durability says: the content is flushed, linked to its final
// name, the directory flushed, and then one transaction makes the row verified
// and, where there was one, replaces the earlier file. Until that moment the
// earlier file stays as it is.
//
// On any doubt it returns an error and the upload is discarded: it cannot be
// verified any more.
func (u *Upload) Verify(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.expect(received); err != nil {
		return err
	}
	err := u.store.counters.fault(u.publish(ctx))
	if err == nil {
		err = u.store.update(ctx, u.countVerified)
	}
	if err != nil {
		err = u.fail("verify", err)
		u.store.trouble(u.discard(context.WithoutCancel(ctx)))
		return err
	}
	u.end()
	if u.replaces {
		u.store.wakeRemoval()
	}
	u.store.wakeDeliveries()
	return nil
}

func (u *Upload) publish(ctx context.Context) error {
	if err := u.flush.wait(ctx); err != nil {
		return err
	}
	u.stage = published
	return u.draft.publish(ctx, u.sums)
}

// recordVerified turns the intent into a verified file. It is the moment at
// which the file comes to be.
func (u *Upload) recordVerified(t tx) error {
	if err := t.lock(plainKey(u.id, u.fileName)); err != nil {
		return err
	}
	if done, err := u.verifiedBefore(t); err != nil || done {
		return err
	}
	if err := u.recordContent(t); err != nil {
		return err
	}
	gone, err := t.exec(`DELETE FROM uploads WHERE Upload = ? AND State = 0 AND Owner = ?
		AND EXISTS (SELECT 1 FROM clients WHERE clients.ID = uploads.ID AND Revoked IS NULL)`, u.name, u.store.owner)
	if err == nil && gone != 1 {
		err = whyShutOut(t, u.id, ErrUploadState)
	}
	if err == nil {
		err = u.recordDeliveries(t)
	}
	u.recorded = err == nil
	return err
}

// recordContent makes the content that of its name. Mostly the row that
// Received made is there, and there was no earlier content.
func (u *Upload) recordContent(t tx) error {
	u.replaces = false
	first, err := t.exec(`UPDATE files SET PathName = ?, Verified = ?, Number = Number + 1, Size = ?,
		CRC32 = ?, Cksum = ?, Received = ?, VerifiedAt = ? WHERE ID = ? AND FileName = ? AND NOT Verified`,
		u.key, true, u.size, u.sums.CRC32, u.sums.Cksum, u.received, now(), u.id[:], u.fileName)
	if err != nil || first == 1 {
		return err
	}
	number, err := u.supersede(t)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO files (ID, FileName, PathName, Verified, Number, Size, CRC32, Cksum, Received, VerifiedAt)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (ID, FileName) DO UPDATE SET PathName = excluded.PathName, Verified = excluded.Verified,
		Number = excluded.Number, Size = excluded.Size, CRC32 = excluded.CRC32, Cksum = excluded.Cksum,
		Received = excluded.Received, VerifiedAt = excluded.VerifiedAt`,
		u.id[:], u.fileName, u.key, true, number, u.size, u.sums.CRC32, u.sums.Cksum, u.received, now())
	return err
}

// verifiedBefore reports that an earlier run of recordVerified was committed
// after all: then a row has the content, or has had it and another upload has
// replaced it since. A claim of the upload's own name is its intent, perhaps
// condemned.
func (u *Upload) verifiedBefore(t tx) (bool, error) {
	if !u.recorded {
		return false, nil
	}
	var rows int
	err := t.get(&rows, `SELECT (SELECT COUNT(*) FROM files WHERE PathName = ? AND Verified)
		+ (SELECT COUNT(*) FROM versions WHERE PathName = ?)
		+ (SELECT COUNT(*) FROM uploads WHERE PathName = ? AND Upload <> ?)`, u.key, u.key, u.key, u.name)
	return rows > 0, err
}

// Discard gives the upload up, after a rejected checksum, a failure or a
// disconnect, and removes what there is of it. It may be called at any time
// and more than once, and does nothing after Verify has succeeded. Other
// uploads and verified files of the same name are not touched.
func (u *Upload) Discard(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.discard(ctx)
}

func (u *Upload) discard(ctx context.Context) error {
	if u.stage == ended {
		return nil
	}
	visible := u.stage == published
	left := u.end() || visible
	_, err := u.store.record(ctx, func(t tx) error {
		if err := u.store.withdraw(t, intent{u.name, u.id, u.fileName}, left); err != nil || !left {
			return err
		}
		return u.condemn(t)
	})
	if err != nil {
		return u.wrap("discard", err) // Sweep does it: the upload is not live any more
	}
	if left {
		u.store.wakeRemoval()
	}
	return nil
}

// condemn claims for removal what this upload may have left under its key. The
// claim is a new one, even where another store has condemned the intent: that
// store may have looked before the last of it arrived. If the intent is gone
// because the file was verified after all, the content stays.
func (u *Upload) condemn(t tx) error {
	gone, err := t.exec(`DELETE FROM uploads WHERE Upload = ? AND State <> 0`, u.name)
	if err != nil {
		return err
	}
	if gone == 0 {
		if known, err := claimed(t, u.key); err != nil || known {
			return err
		}
	}
	return claim(t, rand.Text(), u.id, u.fileName, u.key, stateRemove)
}

// end lets go of the draft. Closing what is published or given up has nothing
// more to lose. It tells whether the draft has left something under its key.
func (u *Upload) end() (left bool) {
	u.stage = ended
	u.flush.end()
	if u.draft != nil {
		var err error
		left, err = u.draft.discard()
		u.store.trouble(err)
		u.draft = nil
	}
	u.store.lowWater.leave(u.owed)
	u.owed = 0
	u.store.drop(u.name)
	return left
}

func (u *Upload) expect(want stage) error {
	if u.failed != nil {
		return u.failed
	}
	if u.stage != want {
		return u.wrap("call out of order", ErrUploadState)
	}
	return nil
}

// fail remembers why the upload can never be verified.
func (u *Upload) fail(doing string, err error) error {
	u.failed = u.wrap(doing, withSpace(err))
	return u.failed
}

func (u *Upload) wrap(doing string, err error) error {
	return fmt.Errorf("upload of %q by client %s: %s: %w", u.fileName, u.id, doing, err)
}
