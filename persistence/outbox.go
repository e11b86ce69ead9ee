package persistence

import (
	"context"
	"iter"
	"time"
)

// A Delivery is a verified file of which a target has to be told. It is
// recorded by the transaction that verifies the file, and stays until the
// target has taken it, so that each file is told at least once whatever
// crashes. More than once is possible: Delivery and Target together tell a
// repetition.
type Delivery struct {
	Delivery   string // names the delivery; the same for all targets of one file
	Target     string // one of Options.Hooks
	ID         ClientID
	ClientName string
	FileName   string
	PathName   string // of the content, which a later file may have replaced
	Number     int64  // of the version
	Size       int64
	CRC32      uint32
	Cksum      uint32
	VerifiedAt time.Time // UTC
	Attempts   int       // that were begun, this one included
	Due        time.Time // UTC; of the next attempt
	Failure    string    // of the last attempt, or ""
	Dead       bool      // nobody tries any more
}

const deliveryColumns = `Delivery AS delivery, Target AS target, deliveries.ID AS id, clients.Name AS clientname,
	FileName AS filename, PathName AS pathname, Number AS number, Size AS size, CRC32 AS crc32, Cksum AS cksum,
	VerifiedAt AS verifiedat, Attempts AS attempts, Due AS due, Failure AS failure, Dead AS dead`

// recordDeliveries records that every target is to be told of the file that the
// transaction verifies.
func (u *Upload) recordDeliveries(t tx) error {
	for _, target := range u.store.options.Hooks {
		_, err := t.exec(`INSERT INTO deliveries (Delivery, Target, ID, FileName, PathName, Number, Size, CRC32, Cksum,
			VerifiedAt, Attempts, Due, Failure, Dead)
			SELECT ?, ?, ID, FileName, PathName, Number, Size, CRC32, Cksum, VerifiedAt, 0, VerifiedAt, '', NOT Verified
			FROM files WHERE ID = ? AND FileName = ? AND PathName = ?`, u.name, target, u.id[:], u.fileName, u.key)
		if err != nil {
			return err
		}
	}
	return nil
}

// DeliveriesRecorded returns a channel that holds a token when deliveries were
// recorded by this process since it was last received from.
func (s *Store) DeliveriesRecorded() <-chan struct{} { return s.recorded }

func (s *Store) wakeDeliveries() {
	if len(s.options.Hooks) == 0 {
		return
	}
	signal(s.recorded)
}

// TakeDeliveries takes up to limit deliveries to a target that are due, the
// longest due first. Nobody else takes them before the lease is over; by then
// they are to be Delivered or Postponed. With none, next is when the first will
// be due; it is zero when there is none at all.
func (s *Store) TakeDeliveries(ctx context.Context, target string, limit int, lease time.Duration) (taken []Delivery, next time.Time, err error) {
	for {
		at := now()
		waiting, err := s.waitingDeliveries(ctx, target, limit)
		if err != nil || len(waiting) == 0 {
			return nil, next, err
		}
		if waiting[0].Due.After(at) {
			return nil, waiting[0].Due, nil
		}
		taken, err = s.leaseDeliveries(ctx, waiting, at, lease)
		if err != nil || len(taken) > 0 {
			return taken, next, err
		} // other nodes have taken all of them meanwhile: there may be more
	}
}

const waitingQuery = `SELECT ` + deliveryColumns + ` FROM deliveries JOIN clients ON clients.ID = deliveries.ID
	WHERE Target = ? AND NOT Dead ORDER BY Due LIMIT ?`

// waitingDeliveries are the first that a target is to be told, due or not.
func (s *Store) waitingDeliveries(ctx context.Context, target string, limit int) (waiting []Delivery, err error) {
	err = s.view(ctx, func(t tx) error {
		return t.list(&waiting, waitingQuery, target, limit)
	})
	return waiting, err
}

// leaseDeliveries takes those that are due at a time and that nobody else has
// taken since they were looked at.
func (s *Store) leaseDeliveries(ctx context.Context, waiting []Delivery, at time.Time, lease time.Duration) (taken []Delivery, err error) {
	err = s.update(ctx, func(t tx) error {
		taken = taken[:0]
		for _, d := range waiting {
			if d.Due.After(at) {
				break
			}
			// Who counts the attempt has it: two nodes may see the same row.
			mine, err := t.exec(`UPDATE deliveries SET Attempts = ?, Due = ? WHERE Delivery = ? AND Target = ? AND Attempts = ?`,
				d.Attempts+1, at.Add(lease), d.Delivery, d.Target, d.Attempts)
			if err != nil {
				return err
			}
			if mine == 1 {
				d.Attempts++
				taken = append(taken, d)
			}
		}
		return nil
	})
	return taken, err
}

// takeBackDeliveries makes due what another process had taken or postponed.
// Where nobody shares the rows, that process is gone.
func (s *Store) takeBackDeliveries(t tx) error {
	if s.options.Postgres != "" {
		return nil
	}
	at := now()
	_, err := t.exec(`UPDATE deliveries SET Due = ? WHERE NOT Dead AND Due > ?`, at, at)
	return err
}

// Delivered ends a delivery that its target has taken.
func (s *Store) Delivered(ctx context.Context, d Delivery) error {
	return s.update(ctx, func(t tx) error {
		_, err := t.exec(`DELETE FROM deliveries WHERE Delivery = ? AND Target = ?`, d.Delivery, d.Target)
		return err
	})
}

// Postpone gives a delivery back, to be tried again at a time, because of a
// failure. A zero time means never: the delivery is dead.
func (s *Store) Postpone(ctx context.Context, d Delivery, again time.Time, failure string) error {
	return s.update(ctx, func(t tx) error {
		if again.IsZero() {
			_, err := t.exec(`UPDATE deliveries SET Failure = ?, Dead = ? WHERE Delivery = ? AND Target = ?`, failure, true, d.Delivery, d.Target)
			return err
		}
		_, err := t.exec(`UPDATE deliveries SET Failure = ?, Due = ? WHERE Delivery = ? AND Target = ?`,
			failure, again.UTC().Truncate(time.Microsecond), d.Delivery, d.Target)
		return err
	})
}

// Deliveries lists what is still to be told, and what is dead, in the order of
// their names. An error ends the list.
func (s *Store) Deliveries(ctx context.Context) iter.Seq2[Delivery, error] {
	return pages(func(after *Delivery) (page []Delivery, err error) {
		var name, target string
		if after != nil {
			name, target = after.Delivery, after.Target
		}
		err = s.view(ctx, func(t tx) error {
			return t.list(&page, `SELECT `+deliveryColumns+` FROM deliveries JOIN clients ON clients.ID = deliveries.ID
				WHERE (Delivery, Target) > (?, ?) ORDER BY Delivery, Target LIMIT ?`, name, target, pageSize)
		})
		return page, err
	})
}
