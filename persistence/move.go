package persistence

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"path/filepath"
)

// MoveOptions say how Move works.
type MoveOptions struct {
	// DryRun looks at everything and changes nothing.
	DryRun bool
	// Progress hears how far it is, from the goroutine of Move. It may be nil.
	Progress func(MoveProgress)
}

// MoveProgress is how far Move is.
type MoveProgress struct {
	Files, AllFiles int64 // contents, earlier versions included
	Bytes, AllBytes int64
}

// MoveProblem is something that was left where it was, and why.
type MoveProblem struct {
	ClientID ClientID
	Client   string
	FileName string // "" when it is about the client
	Reason   string
}

// MoveReport tells what Move did.
type MoveReport struct {
	Clients  int64 // that were copied, or are to be
	Files    int64 // contents that were copied, or are to be, earlier versions included
	Bytes    int64 // of them
	Present  int64 // contents that were there already, from an earlier run
	Problems []MoveProblem
}

// Move copies all clients and files of one store into another, with their ids,
// keys, numbers and times. The source is not changed, and should not be in use.
//
// Each content goes the way of an upload: it is verified in the target only
// after it is whole there and safe, and what a run that was ended leaves is
// removed like the rest of an upload. What the target has already is not copied
// again, so that Move may be repeated until it reports no problem. What a quota
// of the target does not allow is a problem. Each content
// is compared with the checksum of its row while it is copied, and once more as
// it is read from the target.
func Move(ctx context.Context, from, to *Store, options MoveOptions) (MoveReport, error) {
	m := &mover{from: from, to: to, options: options, names: map[ClientID]string{}}
	for _, step := range []func(context.Context) error{m.measure, m.clients, m.keys, m.files, m.versions, m.deliveries, m.revocations} {
		if err := step(ctx); err != nil {
			return m.report, fmt.Errorf("move: %w", err)
		}
	}
	return m.report, nil
}

type mover struct {
	from, to *Store
	options  MoveOptions
	names    map[ClientID]string // of the clients that the target has
	progress MoveProgress
	report   MoveReport
}

// measure adds up what is to be done.
func (m *mover) measure(ctx context.Context) error {
	for _, rows := range m.contents(ctx) {
		for row, err := range rows {
			if err != nil {
				return err
			}
			if row.Verified {
				m.progress.AllFiles++
				m.progress.AllBytes += row.Size
			}
		}
	}
	return nil
}

func (m *mover) contents(ctx context.Context) []iter.Seq2[fileRow, error] {
	return []iter.Seq2[fileRow, error]{m.from.fileRows(ctx, FileFilter{}), m.movedVersions(ctx)}
}

// movedVersions are the earlier versions, which are verified all.
func (m *mover) movedVersions(ctx context.Context) iter.Seq2[fileRow, error] {
	return func(yield func(fileRow, error) bool) {
		for row, err := range m.from.versionRows(ctx) {
			row.Verified = true
			if !yield(row, err) {
				return
			}
		}
	}
}

func (m *mover) clients(ctx context.Context) error {
	for client, err := range m.from.Clients(ctx) {
		if err != nil {
			return err
		}
		added, err := m.to.Adopt(ctx, client, m.options.DryRun)
		if errors.Is(err, ErrNameTaken) {
			m.leave(client.ID, client.Name, "", err)
			continue
		}
		if err != nil {
			return err
		}
		if m.names[client.ID] = client.Name; added {
			m.report.Clients++
		}
	}
	return nil
}

func (m *mover) leave(id ClientID, client, file string, reason error) {
	m.report.Problems = append(m.report.Problems, MoveProblem{ClientID: id, Client: client, FileName: file, Reason: reason.Error()})
}

func (m *mover) files(ctx context.Context) error {
	for row, err := range m.from.fileRows(ctx, FileFilter{}) {
		if err != nil {
			return err
		}
		if err := m.content(ctx, row, (*Upload).Verify, m.sameFile); err != nil {
			return err
		}
	}
	return nil
}

func (m *mover) versions(ctx context.Context) error {
	for row, err := range m.movedVersions(ctx) {
		if err != nil {
			return err
		}
		keep := func(u *Upload, ctx context.Context) error { return u.verifyVersion(ctx, row) }
		if err := m.content(ctx, row, keep, m.sameVersion); err != nil {
			return err
		}
	}
	return nil
}

// content moves the content of one row, unless the target has it.
func (m *mover) content(ctx context.Context, row fileRow, verify func(*Upload, context.Context) error,
	same func(context.Context, fileRow) (key string, err error)) error {
	name, known := m.names[row.ID]
	switch {
	case !known:
		return nil // its client was left
	case !row.Verified:
		return m.unverified(ctx, row)
	}
	defer m.advance(row)
	key, err := same(ctx, row)
	switch {
	case errors.Is(err, ErrFileConflict):
		m.leave(row.ID, name, row.FileName, err)
		return nil
	case err != nil:
		return err
	case key != "":
		m.report.Present++
		return m.restore(ctx, row, key)
	}
	if key, err = m.copy(ctx, row, verify); err != nil {
		if ctx.Err() != nil || !errors.Is(err, errDamaged) && !isQuota(err) {
			return err
		}
		m.leave(row.ID, name, row.FileName, err)
		return nil
	}
	m.report.Files++
	m.report.Bytes += row.Size
	return m.restore(ctx, row, key)
}

func (m *mover) advance(row fileRow) {
	m.progress.Files++
	m.progress.Bytes += row.Size
	if m.options.Progress != nil {
		m.options.Progress(m.progress)
	}
}

// errDamaged is the reason for which the content of one row is left.
var errDamaged = errors.New("the content is not what its row says")

func isQuota(err error) bool { return errors.As(err, new(*QuotaError)) }

// copy brings a content to the target, and returns its key there.
func (m *mover) copy(ctx context.Context, row fileRow, verify func(*Upload, context.Context) error) (string, error) {
	content, err := m.from.openContent(ctx, row.PathName)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errDamaged, err)
	}
	defer content.Close()
	if m.options.DryRun {
		return "", compareContent(io.Discard, content, row)
	}
	u, err := m.to.Begin(ctx, row.ID, row.FileName, row.Size)
	if err != nil {
		return "", err
	}
	if err = compareContent(u, content, row); err == nil {
		if err = u.Received(ctx, Sums{CRC32: row.CRC32, Cksum: row.Cksum}); err == nil {
			err = verify(u, ctx)
		}
	}
	if err != nil {
		return "", errors.Join(err, u.Discard(context.WithoutCancel(ctx)))
	}
	stored, err := m.to.content.open(ctx, u.key)
	if err != nil {
		return "", err
	}
	defer stored.Close()
	return u.key, compareContent(io.Discard, stored, row)
}

// compareContent copies a content, and compares it with its row.
func compareContent(to io.Writer, content io.Reader, row fileRow) error {
	sum := crc32.NewIEEE()
	size, err := io.CopyBuffer(io.MultiWriter(to, sum), content, make([]byte, 256<<10))
	if err != nil {
		return err
	}
	if size != row.Size || sum.Sum32() != row.CRC32 {
		return fmt.Errorf("%w: it has %d bytes and the CRC-32 %08x, the row says %d and %08x", errDamaged, size, sum.Sum32(), row.Size, row.CRC32)
	}
	return nil
}

// InUse returns ErrLocked when another process has a data directory open.
func InUse(dataDir string) error {
	path := filepath.Join(dataDir, lockFile)
	if _, err := os.Stat(path); err != nil {
		return nil // OpenReadOnly tells what is wrong, if anything is
	}
	held, err := lock(path)
	if errors.Is(err, ErrLocked) {
		return err
	}
	if err != nil {
		return nil // it cannot be told where nothing may be written
	}
	return held.Close()
}
