package persistence

import (
	"context"
	"fmt"
)

// everybody is the id under which the table usage holds what all clients have
// together. No client has it: newClientID draws no zero byte.
var everybody ClientID

// The values of the column uploads.Counted.
const (
	countedNot     = 0
	countedBeside  = 1 // in addition to the verified file of the name
	countedInstead = 2 // in its place
)

// counted makes a change to what is stored or on its way under one name of a
// client, and keeps the counters in step with it. It fails with a QuotaError if
// that raises a counter above its quota; the caller's job is undone then. Where
// it can be told before, expect says what the change does to the name's rows:
// then a refusal comes before anything was changed, and costs nobody anything.
//
// The counters of all are locked before those of the client, so that
// transactions of several processes wait for each other in one order.
func (s *Store) counted(t tx, id ClientID, fileName string, expect func(*nameRows), change func() error) ([]QuotaWarning, error) {
	if s.options.Quota.counting() == countNothing {
		return nil, change()
	}
	now, err := s.lockUsage(t, id)
	if err != nil {
		return nil, err
	}
	before, err := rowsOfName(t, id, fileName)
	if err != nil {
		return nil, err
	}
	if expect != nil {
		expected := before
		expect(&expected)
		if _, err := now.allow(s.options.Quota, expected.usage().minus(before.usage())); err != nil {
			return nil, err
		}
	}
	if err := change(); err != nil {
		return nil, err
	}
	after, err := rowsOfName(t, id, fileName)
	if err != nil || after.usage() == before.usage() {
		return nil, err
	}
	grown := after.usage().minus(before.usage())
	if err := s.addUsage(t, id, grown); err != nil {
		return nil, err
	}
	return now.allow(s.options.Quota, grown)
}

// usageNow holds what one client has, and what all have together.
type usageNow struct{ client, total usage }

// allow compares the counters with the quotas, as they are after a change.
func (u usageNow) allow(q Quota, change usage) ([]QuotaWarning, error) {
	ofAll, err := q.total(u.total.plus(change), change)
	if err != nil {
		return nil, err
	}
	own, err := q.client(u.client.plus(change), change)
	return append(ofAll, own...), err
}

// lockUsage keeps other transactions from the counters that a change is going
// to move, and reads them.
func (s *Store) lockUsage(t tx, id ClientID) (now usageNow, err error) {
	if s.options.Quota.counting() == countTotal {
		if err := t.lock("usage"); err != nil {
			return now, err
		}
	}
	if err := t.lock("usage of " + id.String()); err != nil {
		return now, err
	}
	var found []struct {
		ID ClientID
		usage
	}
	err = t.list(&found, `SELECT ID AS id, Files AS files, Bytes AS bytes FROM usage WHERE ID IN (?, ?)`, everybody[:], id[:])
	for _, f := range found {
		if f.ID == everybody {
			now.total = f.usage
		} else {
			now.client = f.usage
		}
	}
	return now, err
}

// addUsage moves the counters.
func (s *Store) addUsage(t tx, id ClientID, change usage) error {
	if s.options.Quota.counting() == countTotal {
		if err := addTo(t, everybody, change); err != nil {
			return err
		}
	}
	return addTo(t, id, change)
}

// addTo moves a counter, never below 0: counters that went wrong keep nobody
// from giving up what he has, and Check tells of them.
func addTo(t tx, id ClientID, change usage) error {
	moved, err := t.exec(`UPDATE usage SET Files = CASE WHEN Files + ? < 0 THEN 0 ELSE Files + ? END,
		Bytes = CASE WHEN Bytes + ? < 0 THEN 0 ELSE Bytes + ? END WHERE ID = ?`,
		change.Files, change.Files, change.Bytes, change.Bytes, id[:])
	if err != nil || moved == 1 {
		return err
	}
	_, err = t.exec(`INSERT INTO usage (ID, Files, Bytes) VALUES (?, ?, ?)`, id[:], max(change.Files, 0), max(change.Bytes, 0))
	return err
}

// TotalUsage returns what counts against the quotas of all clients together.
// ok is false when the store has none.
func (s *Store) TotalUsage(ctx context.Context) (files, bytes int64, ok bool, err error) {
	return s.usageOf(ctx, everybody)
}

// ClientUsage returns what counts against the quotas of a client. ok is false when
// the client never had anything that counts.
func (s *Store) ClientUsage(ctx context.Context, id ClientID) (files, bytes int64, ok bool, err error) {
	return s.usageOf(ctx, id)
}

func (s *Store) usageOf(ctx context.Context, id ClientID) (files, bytes int64, ok bool, err error) {
	var of usage
	err = s.view(ctx, func(t tx) error {
		return t.get(&of, `SELECT Files AS files, Bytes AS bytes FROM usage WHERE ID = ?`, id[:])
	})
	if none(err) {
		return 0, 0, false, nil
	}
	return of.Files, of.Bytes, err == nil, err
}

// Quota returns the quotas that the store was opened with.
func (s *Store) Quota() Quota { return s.options.Quota }

// nameRows sums up the rows of one name.
type nameRows struct {
	Versions, VersionBytes int64 // earlier contents that are kept
	Verified, VerifiedSize int64 // the verified file, 0 or 1
	Beside, BesideBytes    int64 // uploads that count in addition to it
	Instead, InsteadBytes  int64 // uploads that count in its place
	Largest                int64 // of those
}

// add adds an upload.
func (r *nameRows) add(counts int, size int64) {
	switch counts {
	case countedBeside:
		r.Beside, r.BesideBytes = r.Beside+1, r.BesideBytes+size
	case countedInstead:
		r.Instead, r.InsteadBytes, r.Largest = r.Instead+1, r.InsteadBytes+size, max(r.Largest, size)
	}
}

// usage is what counts under the name. Of the uploads that are to replace a
// verified file, the largest counts in its place: whichever of them is verified
// first, and whichever is given up, the sum never rises.
func (r nameRows) usage() usage {
	return usage{
		Files: r.Versions + r.Beside + max(r.Verified, r.Instead),
		Bytes: r.VersionBytes + r.BesideBytes + r.InsteadBytes + r.VerifiedSize - min(r.VerifiedSize, r.Largest),
	}
}

func rowsOfName(t tx, id ClientID, fileName string) (r nameRows, err error) {
	err = t.get(&r, `SELECT v.n AS versions, v.b AS versionbytes, f.n AS verified, f.b AS verifiedsize,
			u.n1 AS beside, u.b1 AS besidebytes, u.n2 AS instead, u.b2 AS insteadbytes, u.m AS largest FROM
		(SELECT COUNT(*) AS n, CAST(COALESCE(SUM(Size), 0) AS BIGINT) AS b FROM versions WHERE ID = ? AND FileName = ?) AS v,
		(SELECT COUNT(*) AS n, CAST(COALESCE(SUM(Size), 0) AS BIGINT) AS b FROM files
			WHERE ID = ? AND FileName = ? AND Verified) AS f,
		(SELECT COUNT(CASE WHEN Counted = 1 THEN 1 END) AS n1,
			CAST(COALESCE(SUM(CASE WHEN Counted = 1 THEN Size END), 0) AS BIGINT) AS b1,
			COUNT(CASE WHEN Counted = 2 THEN 1 END) AS n2,
			CAST(COALESCE(SUM(CASE WHEN Counted = 2 THEN Size END), 0) AS BIGINT) AS b2,
			COALESCE(MAX(CASE WHEN Counted = 2 THEN Size END), 0) AS m
			FROM uploads WHERE ID = ? AND FileName = ? AND State = 0 AND Counted <> 0) AS u`,
		id[:], fileName, id[:], fileName, id[:], fileName)
	return r, err
}

// allUsage is nameRows.usage summed up over all names of each client.
const allUsage = `SELECT ID, CAST(SUM(Files) AS BIGINT) AS Files, CAST(SUM(Bytes) AS BIGINT) AS Bytes FROM (
		SELECT ID, 1 AS Files, Size AS Bytes FROM versions
		UNION ALL SELECT ID, 1, Size FROM files WHERE Verified
		UNION ALL SELECT ID, 1, Size FROM uploads WHERE State = 0 AND Counted <> 0
		UNION ALL SELECT f.ID, -1, -(CASE WHEN f.Size < u.Largest THEN f.Size ELSE u.Largest END)
			FROM (SELECT ID, FileName, MAX(Size) AS Largest FROM uploads WHERE State = 0 AND Counted = 2 GROUP BY ID, FileName) AS u
			JOIN files AS f ON f.ID = u.ID AND f.FileName = u.FileName WHERE f.Verified
	) AS parts GROUP BY ID`

// countAgain brings the counters up to what the quotas ask for, when an earlier
// opening asked for something else. Otherwise they are right as they are: each
// change to them is in the transaction of what it counts.
func (s *Store) countAgain(t tx) error {
	var have int
	want := s.options.Quota.counting()
	if err := t.get(&have, `SELECT Counting AS counting FROM store`); err != nil || have == want {
		return err
	}
	if _, err := t.exec(`DELETE FROM usage`); err != nil {
		return err
	}
	if want >= countClients {
		if _, err := t.exec(`INSERT INTO usage (ID, Files, Bytes) ` + allUsage); err != nil {
			return err
		}
	}
	if want == countTotal {
		_, err := t.exec(`INSERT INTO usage (ID, Files, Bytes)
			SELECT ?, CAST(COALESCE(SUM(Files), 0) AS BIGINT), CAST(COALESCE(SUM(Bytes), 0) AS BIGINT) FROM usage`, everybody[:])
		if err != nil {
			return err
		}
	}
	_, err := t.exec(`UPDATE store SET Counting = ?`, want)
	return err
}

// usage compares the counters with the rows that they count, as of one moment.
func (c *checker) usage(ctx context.Context) error {
	var wrong []struct {
		ID                                       ClientID
		Files, Bytes, CountedFiles, CountedBytes int64
	}
	err := c.view(ctx, func(t tx) error {
		return t.list(&wrong, `WITH counted AS (`+allUsage+`),
			everything AS (SELECT ID, Files, Bytes FROM counted
				UNION ALL SELECT ?, CAST(COALESCE(SUM(Files), 0) AS BIGINT), CAST(COALESCE(SUM(Bytes), 0) AS BIGINT) FROM counted
				WHERE (SELECT Counting FROM store) = 2),
			known AS (SELECT ID FROM usage UNION SELECT ID FROM everything)
			SELECT known.ID AS id, COALESCE(e.Files, 0) AS files, COALESCE(e.Bytes, 0) AS bytes,
				COALESCE(usage.Files, 0) AS countedfiles, COALESCE(usage.Bytes, 0) AS countedbytes
			FROM known LEFT JOIN everything AS e ON e.ID = known.ID LEFT JOIN usage ON usage.ID = known.ID
			WHERE (SELECT Counting FROM store) > 0 AND (COALESCE(e.Files, 0) <> COALESCE(usage.Files, 0)
				OR COALESCE(e.Bytes, 0) <> COALESCE(usage.Bytes, 0))
			ORDER BY known.ID`, everybody[:])
	})
	for _, w := range wrong {
		c.find(Finding{Problem: ProblemUsage, ID: w.ID, Detail: fmt.Sprintf(
			"the rows hold %d files and %d bytes, the counters of the quota say %d and %d", w.Files, w.Bytes, w.CountedFiles, w.CountedBytes)})
	}
	return err
}
