package persistence

import (
	"context"
	"slices"
	"time"
)

// leaseLoop renews this store's lease three times in its length, and ends the
// uploads of stores whose lease has run out.
func (s *Store) leaseLoop(ctx context.Context) {
	lease := s.options.lease()
	tick := time.NewTicker(lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.counters.fault(s.rows.renew(ctx, s.owner, lease)); err != nil {
			s.troubleUnlessClosed(err)
			continue
		}
		s.troubleUnlessClosed(s.endAbandoned(ctx))
	}
}

// endAbandoned has what stores that are gone have left removed.
func (s *Store) endAbandoned(ctx context.Context) error {
	var left []intent
	err := s.view(ctx, func(t tx) (err error) {
		left, err = s.rows.abandoned(t, s.owner)
		return err
	})
	if err != nil || len(left) == 0 {
		return err
	}
	for part := range slices.Chunk(left, removalBatch) {
		err := s.update(ctx, func(t tx) error {
			for _, i := range part {
				if err := s.withdraw(t, i, true); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	s.wakeRemoval()
	return nil
}

// SQLite's lock file lets one store in: it needs no lease, and all others are
// gone.

func (*sqliteRows) renew(context.Context, string, time.Duration) error { return nil }
func (*sqliteRows) resign(context.Context, string) error               { return nil }

func (*sqliteRows) abandoned(t tx, owner string) (left []intent, err error) {
	err = t.list(&left, `SELECT Upload AS upload, ID AS id, FileName AS filename FROM uploads
		WHERE State = 0 AND Owner <> ?`, owner)
	return left, err
}

func (r *postgresRows) renew(ctx context.Context, owner string, lease time.Duration) error {
	return r.update(ctx, func(t tx) error {
		_, err := t.exec(`DELETE FROM owners WHERE Until < clock_timestamp() - interval '1 hour'`)
		if err != nil {
			return err
		}
		_, err = t.exec(`INSERT INTO owners (Owner, Until) VALUES (?, clock_timestamp() + ? * interval '1 second')
			ON CONFLICT (Owner) DO UPDATE SET Until = excluded.Until`, owner, lease.Seconds())
		return err
	})
}

func (r *postgresRows) resign(ctx context.Context, owner string) error {
	return r.update(ctx, func(t tx) error {
		_, err := t.exec(`DELETE FROM owners WHERE Owner = ?`, owner)
		return err
	})
}

// abandoned is in one order, so that nodes that end the same uploads do not wait
// for each other. A store that comes back, after it was cut off, takes a new
// lease; what it had under way stays condemned.
func (*postgresRows) abandoned(t tx, owner string) (left []intent, err error) {
	err = t.list(&left, `SELECT Upload AS upload, ID AS id, FileName AS filename FROM uploads
		WHERE State = 0 AND Owner <> ? AND NOT EXISTS
		(SELECT 1 FROM owners WHERE owners.Owner = uploads.Owner AND owners.Until > clock_timestamp())
		ORDER BY ID, Upload`, owner)
	return left, err
}
