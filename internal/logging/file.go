package logging

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/DeRuina/timberjack"
)

// Rotation says when a log file is put aside for a new one, and what becomes of the old ones. Zero values mean never,
// and no limit.
type Rotation struct {
	Size       int64         // in bytes, rounded up to whole MiB: the file does not grow beyond
	Every      time.Duration // since the start or the last time
	MaxAge     time.Duration // rounded up to whole days: older files are removed
	MaxBackups int           // more old files are not kept
	Compress   string        // none, gzip or zstd: old files
}

// File is a log file that is rotated. Each Write is whole lines, which stay together in one file. Safe for concurrent
// use.
type File struct {
	path     string
	rotation Rotation

	reopening sync.Mutex
	work      sync.WaitGroup

	mu     sync.Mutex
	file   *timberjack.Logger
	seen   os.FileInfo // of what was at path after the last write
	closed bool
}

// OpenFile opens the file at path for appending and creates it, with its folder, where it is missing. It is an error
// when it cannot be written. Old files stand beside it: name-TIME-REASON.log, then .gz or .zst.
func OpenFile(path string, r Rotation) (*File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	probe, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, fileMode)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	if err := probe.Close(); err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	f := &File{path: path, rotation: r}
	f.file = f.open()
	return f, nil
}

// fileMode lets the group read the log, as it is the custom of log files.
const fileMode = 0o640

const mib = 1 << 20

// oldFileTime is the time in the names of old files. timberjack keeps MaxBackups times, not files, and its own layout
// ends at milliseconds, which two files can share. It reads the names of that layout too.
const oldFileTime = "2006-01-02T15-04-05.999999"

func (f *File) open() *timberjack.Logger {
	megabytes := math.MaxInt32
	if f.rotation.Size > 0 {
		megabytes = int((f.rotation.Size + mib - 1) / mib)
	}
	const day = 24 * time.Hour
	return &timberjack.Logger{
		Filename:         f.path,
		FileMode:         fileMode,
		MaxSize:          megabytes,
		RotationInterval: f.rotation.Every,
		MaxAge:           int((f.rotation.MaxAge + day - 1) / day),
		MaxBackups:       f.rotation.MaxBackups,
		Compression:      f.rotation.Compress,
		BackupTimeFormat: oldFileTime,
	}
}

// Write appends lines to the file.
func (f *File) Write(lines []byte) (int, error) {
	f.mu.Lock()
	file := f.file
	f.mu.Unlock()
	n, err := file.Write(lines)
	f.appendToNew()
	return n, err
}

// appendToNew opens the file again after a rotation. timberjack does not open a new file for appending, and so would
// write over the lines of another process: a server that takes over from this one logs to the same file.
func (f *File) appendToNew() {
	now, err := os.Stat(f.path)
	if err != nil {
		return // another program moves it
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen != nil && !os.SameFile(f.seen, now) && !f.closed {
		f.work.Go(func() { _ = f.Reopen() }) // the old file has nothing more to lose
	}
	f.seen = now
}

// Reopen opens the file by its name again, after another program, like logrotate, has moved it away. Lines may be
// written meanwhile: a closed timberjack opens the file for each of them.
func (f *File) Reopen() error {
	f.reopening.Lock()
	defer f.reopening.Unlock()
	err := f.file.Close() // it waits for what it compresses, so that no two do that
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.file = f.open()
	}
	return err
}

// Close closes the file and ends what goes on in the background.
func (f *File) Close() error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.work.Wait()
	f.reopening.Lock()
	defer f.reopening.Unlock()
	return f.file.Close()
}
