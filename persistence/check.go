package persistence

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"time"
)

// CheckOptions says how thoroughly Check looks.
type CheckOptions struct {
	// Deep reads all content and compares it with its CRC-32, and checks the
	// whole database, not only its structure.
	Deep bool
	// BytesPerSecond bounds how fast Deep reads; 0 is no bound.
	BytesPerSecond int64
	// Quarantine moves damaged content and content without a row out of
	// sight. The row of damaged content stays, with Verified = 0. It needs a
	// Store from Open.
	Quarantine bool
	// Progress hears how far the check is, after each file and each 256 KiB;
	// it is called from the goroutine of Check. It may be nil.
	Progress func(CheckProgress)
}

// CheckProgress is how far a check is.
type CheckProgress struct {
	Files int64 // rows looked at, earlier versions included
	Bytes int64 // of content read
}

// Problem is the kind of a finding.
type Problem string

// What Check can find.
const (
	ProblemMissing  Problem = "missing"  // a verified row without content
	ProblemSize     Problem = "size"     // content of another size than its row says
	ProblemCRC      Problem = "crc"      // content with another CRC-32 than its row says
	ProblemRead     Problem = "read"     // content that cannot be read
	ProblemStray    Problem = "stray"    // content without a row
	ProblemUsage    Problem = "usage"    // counters of a quota that are not what the rows hold
	ProblemDraft    Problem = "draft"    // a draft of content without an upload
	ProblemDatabase Problem = "database" // the database itself is damaged
)

// Finding is one thing that is not as it should be.
type Finding struct {
	Problem     Problem
	ID          ClientID // zero for strays, the database, and the counters of all clients
	FileName    string
	PathName    string
	Detail      string
	Quarantined bool
}

// Report is what Check found. Rows and content agree when Findings is empty.
type Report struct {
	Files    int64 // rows of verified files looked at, earlier versions included
	Bytes    int64 // of content read
	Findings []Finding
}

// checker is one run of Check.
type checker struct {
	*Store
	options CheckOptions
	pace    pace
	buffer  []byte
	report  Report
}

// Check proves that rows and content agree: every verified row has its
// content, every content its row. It may run while the store works, in this
// process or another; what changes meanwhile is not reported. The error says
// why the check itself could not go on.
func (s *Store) Check(ctx context.Context, options CheckOptions) (Report, error) {
	if options.Quarantine && s.readOnly() {
		return Report{}, ErrReadOnly
	}
	c := &checker{Store: s, options: options, buffer: make([]byte, 256<<10)}
	c.pace = pace{rate: options.BytesPerSecond, start: time.Now()}
	for _, step := range []func(context.Context) error{c.database, c.usage, c.files, c.versions, c.withoutRow, c.withoutUpload} {
		if err := step(ctx); err != nil {
			return c.report, fmt.Errorf("check: %w", err)
		}
	}
	if options.Quarantine {
		if _, err := s.removeClaimed(ctx); err != nil {
			return c.report, fmt.Errorf("check: quarantine: %w", err)
		}
	}
	return c.report, nil
}

func (c *checker) find(finding Finding) { c.report.Findings = append(c.report.Findings, finding) }

func (c *checker) database(ctx context.Context) error {
	damage, err := c.rows.verify(ctx, c.options.Deep)
	for _, detail := range damage {
		c.find(Finding{Problem: ProblemDatabase, Detail: detail})
	}
	return err
}

func (c *checker) files(ctx context.Context) error {
	for row, err := range c.fileRows(ctx, FileFilter{Verified: true}) {
		if err != nil {
			return err
		}
		if err := c.row(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) versions(ctx context.Context) error {
	for row, err := range c.versionRows(ctx) {
		if err != nil {
			return err
		}
		if err := c.row(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// row checks one content against its row.
func (c *checker) row(ctx context.Context, row fileRow) error {
	problem, found := c.compare(ctx, row)
	if err := ctx.Err(); err != nil {
		return err
	}
	c.report.Files++
	c.progress()
	if problem == "" {
		return nil
	}
	same, err := c.unchanged(ctx, row)
	if err != nil || !same {
		return err
	}
	finding := Finding{Problem: problem, ID: row.ID, FileName: row.FileName, PathName: row.PathName, Detail: found.Error()}
	if _, safe, err := c.inJournal(row.PathName); err == nil && safe {
		finding.Detail += "; the journal has it: start the server once, and it is written again"
	}
	if c.options.Quarantine && problem != ProblemMissing {
		finding.Quarantined, err = c.distrust(ctx, row)
	}
	c.find(finding)
	return err
}

// compare returns what is wrong with a content, and in which way.
func (c *checker) compare(ctx context.Context, row fileRow) (Problem, error) {
	size, err := c.content.size(ctx, row.PathName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ProblemMissing, err
	case err != nil:
		return ProblemRead, err
	case size != row.Size:
		return ProblemSize, fmt.Errorf("content has %d bytes, the row says %d", size, row.Size)
	case !c.options.Deep:
		return "", nil
	}
	sum, err := c.read(ctx, row.PathName)
	if err != nil {
		return ProblemRead, err
	}
	if sum != row.CRC32 {
		return ProblemCRC, fmt.Errorf("content has the CRC-32 %08x, the row says %08x", sum, row.CRC32)
	}
	return "", nil
}

// read returns the CRC-32 of a content.
func (c *checker) read(ctx context.Context, key string) (sum uint32, err error) {
	from, err := c.content.open(ctx, key)
	if err != nil {
		return 0, err
	}
	defer from.Close()
	for {
		n, err := from.Read(c.buffer)
		sum = crc32.Update(sum, crc32.IEEETable, c.buffer[:n])
		c.report.Bytes += int64(n)
		c.progress()
		if err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return 0, err
		}
		if err := c.pace.wait(ctx, c.report.Bytes); err != nil {
			return 0, err
		}
	}
}

func (c *checker) progress() {
	if c.options.Progress != nil {
		c.options.Progress(CheckProgress{Files: c.report.Files, Bytes: c.report.Bytes})
	}
}

// withoutRow finds content that no row claims.
func (c *checker) withoutRow(ctx context.Context) error {
	return c.strays(ctx, func(key string, size int64) (err error) {
		finding := Finding{Problem: ProblemStray, PathName: key, Detail: fmt.Sprintf("%d bytes without a row", size)}
		if c.options.Quarantine {
			finding.Quarantined, err = c.claimStray(ctx, key)
		}
		c.find(finding)
		return err
	})
}

// withoutUpload finds drafts that no upload goes on with.
func (c *checker) withoutUpload(ctx context.Context) error {
	return c.strayDrafts(ctx, func(key string) error {
		finding := Finding{Problem: ProblemDraft, PathName: key, Detail: "a draft that nobody goes on with"}
		c.find(finding)
		if c.options.Quarantine {
			return c.content.abort(ctx, key)
		}
		return nil
	})
}

// distrust takes Verified from a row and claims its content for quarantine,
// unless it has changed meanwhile.
func (s *Store) distrust(ctx context.Context, row fileRow) (done bool, err error) {
	err = s.update(ctx, func(t tx) error {
		_, err := s.counted(t, row.ID, row.FileName, nil, func() (err error) {
			done, err = distrust(t, row)
			return err
		})
		return err
	})
	return done && err == nil, err
}

func distrust(t tx, row fileRow) (done bool, err error) {
	inFiles, err := t.exec(`UPDATE files SET Verified = ?, VerifiedAt = NULL WHERE PathName = ? AND Verified`, false, row.PathName)
	if err != nil {
		return false, err
	}
	inVersions, err := t.exec(`DELETE FROM versions WHERE PathName = ?`, row.PathName)
	if err != nil || inFiles+inVersions == 0 {
		return false, err
	}
	return true, claim(t, rand.Text(), row.ID, row.FileName, row.PathName, stateQuarantine)
}

// pace keeps reading at a rate.
type pace struct {
	rate  int64 // bytes per second; 0 is no bound
	start time.Time
}

// wait returns when so many bytes may have been read.
func (p pace) wait(ctx context.Context, bytes int64) error {
	if p.rate <= 0 {
		return ctx.Err()
	}
	due := p.start.Add(time.Duration(float64(bytes) / float64(p.rate) * float64(time.Second)))
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
