package persistence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
)

// The files of the journal, below the data directory.
var segmentFiles = [2]string{"sealquay.journal.0", "sealquay.journal.1"}

// openSegments opens the files of an earlier journal; nil where there is none.
func openSegments(files FileSystem, flag int) (segments [2]Handle, err error) {
	for i, name := range segmentFiles {
		file, err := files.OpenFile(name, flag)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return segments, errors.Join(err, closeSegments(segments))
		}
		segments[i] = file
	}
	return segments, nil
}

func closeSegments(segments [2]Handle) error {
	var failed []error
	for _, file := range segments {
		if file != nil {
			failed = append(failed, file.Close())
		}
	}
	return errors.Join(failed...)
}

// replay writes anew the files of all records that wanted says are content, and
// then retires the records. What is at their keys is replaced: what the kernel
// has in memory of it need not be what is on the disk.
func (d *disk) replay(ctx context.Context, wanted func(key string, content []byte) (bool, error)) error {
	segments, err := openSegments(d.fs, os.O_RDWR)
	if err != nil {
		return err
	}
	for _, file := range segments {
		if file == nil {
			continue
		}
		if err = d.replaySegment(ctx, file, wanted); err == nil {
			err = retire(file)
		}
		if err != nil {
			break
		}
	}
	return errors.Join(err, closeSegments(segments))
}

func (d *disk) replaySegment(ctx context.Context, file Handle, wanted func(string, []byte) (bool, error)) error {
	var writing errgroup.Group
	writing.SetLimit(parallelSyncs)
	err := readSegment(file, func(r []byte, _ int64) error {
		key, content := recordKey(r), recordContent(r)
		if is, err := wanted(key, content); err != nil || !is {
			return err
		}
		writing.Go(func() error {
			if err := d.restore(ctx, key, content); err != nil {
				return fmt.Errorf("write %s again: %w", key, err)
			}
			return nil
		})
		return nil
	})
	return errors.Join(err, writing.Wait())
}

// startJournal gives the disk a journal for content of up to so many bytes, where
// its file system can flush all files at once. The journal of an earlier process
// must have been replayed.
func (d *disk) startJournal(upTo int64, pause time.Duration, trouble func(error)) error {
	if !d.durable || upTo == 0 || !d.fs.SyncsAll() {
		return nil
	}
	segments, err := openSegments(d.fs, os.O_RDWR|os.O_CREATE)
	if err == nil {
		err = d.fs.SyncDir(".")
	}
	if err != nil {
		return errors.Join(err, closeSegments(segments))
	}
	d.journal = newJournal(d, segments, upTo, pause, trouble)
	return nil
}

// openJournal makes the files of what an earlier process has left in the
// journal of the disk, and begins a new one.
func (s *Store) openJournal(ctx context.Context) error {
	disk, is := s.content.(*disk)
	if !is {
		return nil
	}
	if err := disk.replay(ctx, func(key string, content []byte) (is bool, err error) {
		err = s.view(ctx, func(t tx) error {
			is, err = isContent(t, key, int64(len(content)), crc32.ChecksumIEEE(content))
			return err
		})
		return is, err
	}); err != nil {
		return err
	}
	return disk.startJournal(s.options.JournalUpTo, cmp.Or(s.options.JournalPause, settlePause), s.troubleUnlessClosed)
}

// isContent reports that a verified row has content of this size and CRC-32
// under a key.
func isContent(t tx, key string, size int64, sum uint32) (bool, error) {
	var rows int
	err := t.get(&rows, `SELECT (SELECT COUNT(*) FROM files WHERE PathName = ? AND Verified AND Size = ? AND CRC32 = ?)
		+ (SELECT COUNT(*) FROM versions WHERE PathName = ? AND Size = ? AND CRC32 = ?)`, key, size, sum, key, size, sum)
	return rows > 0, err
}
