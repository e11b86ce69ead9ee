package persistence

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// The states of a row of uploads. Every content that exists, or may come to
// exist, is claimed by exactly one row: of files when verified, of versions,
// or of uploads. A key is free only when no row claims it, and a claim is given
// up only after its content is durably gone.
const (
	stateLive       = 0 // an upload is under way
	stateRemove     = 1 // the content is to be removed
	stateQuarantine = 2 // the content is to be moved to quarantine
)

// removalBatch is how many contents are removed for one transaction.
const removalBatch = 256

// unclaimed is the condition that no row claims a key, which is given thrice.
const unclaimed = `NOT EXISTS (SELECT 1 FROM uploads WHERE PathName = ?)
	AND NOT EXISTS (SELECT 1 FROM files WHERE PathName = ? AND Verified)
	AND NOT EXISTS (SELECT 1 FROM versions WHERE PathName = ?)`

// claimed reports that a row claims a key.
func claimed(t tx, key string) (bool, error) {
	var free bool
	err := t.get(&free, `SELECT `+unclaimed, key, key, key)
	return !free, err
}

// lockClaimed is claimed, and the answer stays right until the transaction ends.
func lockClaimed(t tx, key string) (bool, error) {
	if err := t.lock(key); err != nil {
		return false, err
	}
	return claimed(t, key)
}

// claim records that the content under key, which no row claims any more, is
// to be removed or quarantined.
func claim(t tx, name string, id ClientID, fileName, key string, state int) error {
	_, err := t.exec(`INSERT INTO uploads (Upload, ID, FileName, PathName, Size, State, Owner, Started)
		VALUES (?, ?, ?, ?, 0, ?, '', ?)`, name, id[:], fileName, key, state, now())
	return err
}

// An intent is a row of uploads that says that an upload is under way.
type intent struct {
	Upload   string
	ID       ClientID
	FileName string
}

// withdraw ends an upload that is not going to be verified. When its content
// may be visible, it is condemned; if the row is gone then, the upload was
// verified after all, and the content stays.
func (s *Store) withdraw(t tx, i intent, visible bool) error {
	_, err := s.counted(t, i.ID, i.FileName, nil, func() error {
		if visible {
			return condemnIntent(t, i.Upload)
		}
		return deleteIntent(t, i.Upload)
	})
	return err
}

func deleteIntent(t tx, name string) error {
	_, err := t.exec(`DELETE FROM uploads WHERE Upload = ? AND State = 0`, name)
	return err
}

func condemnIntent(t tx, name string) error {
	_, err := t.exec(`UPDATE uploads SET State = 1 WHERE Upload = ? AND State = 0`, name)
	return err
}

func (s *Store) hold(upload string) {
	s.mu.Lock()
	s.live[upload] = struct{}{}
	s.mu.Unlock()
}

func (s *Store) drop(upload string) {
	s.mu.Lock()
	delete(s.live, upload)
	s.mu.Unlock()
}

// recover ends what stores that are gone have left. The first transaction
// always writes, which flushes the log: what an earlier process committed but
// could not flush is durable before anything is removed because of it.
func (s *Store) recover(ctx context.Context) error {
	if err := s.rows.renew(ctx, s.owner, s.options.lease()); err != nil {
		return fmt.Errorf("take a lease: %w", err)
	}
	err := s.update(ctx, func(t tx) error {
		_, err := t.exec(`INSERT INTO store (One, Owner, Since) VALUES (1, ?, ?)
			ON CONFLICT (One) DO UPDATE SET Owner = excluded.Owner, Since = excluded.Since`, s.owner, now())
		if err != nil {
			return err
		}
		return errors.Join(s.takeBackDeliveries(t), s.countAgain(t))
	})
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if err := s.openJournal(ctx); err != nil {
		return fmt.Errorf("recover: journal: %w", err)
	}
	if err := s.endAbandoned(ctx); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if !s.onDisk {
		s.wakeRemoval() // far away it may take its time, or not be possible now
		return nil
	}
	_, err = s.removeClaimed(ctx)
	return err
}

// wakeRemoval lets the background remove content that is claimed for it.
func (s *Store) wakeRemoval() {
	signal(s.removal)
}

func (s *Store) removeLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.removal:
			if _, err := s.removeClaimed(ctx); err != nil {
				s.troubleUnlessClosed(err)
				s.again.Reset(failedPause)
			}
		}
	}
}

// errCopied means that content has to stay where it is for now.
var errCopied = errors.New("the data directory is being copied")

const (
	// copiedPause is how long removal waits before it looks again whether the
	// data directory is still being copied.
	copiedPause = time.Second
	// failedPause is how long removal waits for another try after a failure,
	// unless it is woken before.
	failedPause = 10 * time.Second
)

// removeClaimed removes or quarantines all content claimed for that, and then
// the claims. It goes on after a failure, which leaves the claim for another
// time. Nothing is done while somebody holds a shared lock on the data
// directory: what the rows say in a copy of them made meanwhile can be copied,
// too, before anything else is under its key.
func (s *Store) removeClaimed(ctx context.Context) (removed int, err error) {
	select { // removal far away may take long, and who stops does not wait for it
	case s.removing <- struct{}{}:
		defer func() { <-s.removing }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	var failed []error
	after := s.firstRemoval()
	for wrapped := after == ""; ; {
		var batch []claimRow
		err := s.view(ctx, func(t tx) error {
			return t.list(&batch, `SELECT Upload AS upload, PathName AS pathname, State AS state
				FROM uploads WHERE State <> 0 AND Upload > ? ORDER BY Upload LIMIT ?`, after, removalBatch)
		})
		if err == nil && len(batch) == 0 && !wrapped {
			after, wrapped = "", true
			continue
		}
		if err != nil || len(batch) == 0 {
			return removed, errors.Join(append(failed, err)...)
		}
		after = batch[len(batch)-1].Upload
		// What claimed it may have been committed only just now. Before that is
		// on stable storage nothing goes.
		if err := s.rows.settle(ctx, everything); err != nil {
			return removed, errors.Join(append(failed, err)...)
		}
		gone, err := s.carryOut(ctx, batch)
		if errors.Is(err, errCopied) {
			s.again.Reset(copiedPause)
			return removed, errors.Join(failed...)
		}
		failed = append(failed, err)
		if err := s.giveUp(ctx, gone); err != nil {
			return removed, errors.Join(append(failed, err)...)
		}
		removed += len(gone)
	}
}

// firstRemoval is after which claim removal begins: each node somewhere else, so
// that they seldom remove the same.
func (s *Store) firstRemoval() string {
	if s.onDisk {
		return ""
	}
	return rand.Text()
}

// claimRow is a claim to be carried out.
type claimRow struct {
	Upload   string
	PathName string
	State    int
}

// parallelRemovals bounds the removals under way at once where each of them
// waits for another machine.
const parallelRemovals = 16

// carryOut removes the content of a batch. What is far away is removed in
// parallel, and the first failure of it stands for all.
func (s *Store) carryOut(ctx context.Context, batch []claimRow) (gone []string, err error) {
	if s.onDisk {
		if err := exclude(s.copying, errCopied); err != nil {
			return nil, err
		}
		gone, err = s.carryOutAll(ctx, batch)
		return gone, errors.Join(err, admit(s.copying))
	}
	var mu sync.Mutex
	var parts sync.WaitGroup
	for part := range slices.Chunk(batch, (len(batch)+parallelRemovals-1)/parallelRemovals) {
		parts.Go(func() {
			done, failed := s.carryOutAll(ctx, part)
			mu.Lock()
			defer mu.Unlock()
			gone = append(gone, done...)
			err = cmp.Or(err, failed)
		})
	}
	parts.Wait()
	return gone, err
}

func (s *Store) carryOutAll(ctx context.Context, batch []claimRow) (gone []string, err error) {
	var failed []error
	for _, claim := range batch {
		if ctx.Err() != nil {
			break
		}
		if claim.State == stateQuarantine {
			_, err = s.content.quarantine(ctx, claim.PathName, claim.Upload)
		} else {
			err = s.content.remove(ctx, claim.PathName)
		}
		if s.counters.fault(err) != nil {
			failed = append(failed, fmt.Errorf("remove content %s: %w", claim.PathName, err))
			continue
		}
		gone = append(gone, claim.Upload)
	}
	return gone, errors.Join(failed...)
}

// giveUp gives up claims whose content is gone.
func (s *Store) giveUp(ctx context.Context, gone []string) error {
	if len(gone) == 0 {
		return nil
	}
	slices.Sort(gone) // nodes that give up the same would lock each other out
	_, err := s.record(ctx, func(t tx) error {
		for _, upload := range gone {
			if _, err := t.exec(`DELETE FROM uploads WHERE Upload = ? AND State <> 0`, upload); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}
