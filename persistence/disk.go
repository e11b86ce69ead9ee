package persistence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"sync"
)

// disk keeps content in files below the data directory.
type disk struct {
	fs      FileSystem
	durable bool // false: nothing is flushed
	syncs   *syncs
	journal *journal      // nil: each content is flushed by itself
	index   *journalIndex // of a store that is only looked at

	mu sync.Mutex
	// fresh holds the directories made by this process whose own entry is not
	// yet on stable storage.
	fresh map[string]*freshDirectory
}

// freshDirectory is one making of a directory.
type freshDirectory struct {
	doubtful bool // flushing its entry has failed
}

// newDisk makes the folders of content, and puts on stable storage what an
// earlier process may have made without: from here on a directory that is
// found is there to stay.
func newDisk(files FileSystem, durable bool) (*disk, error) {
	d := &disk{fs: files, durable: durable, syncs: newSyncs(), fresh: map[string]*freshDirectory{}}
	folders := []string{filesFolder, versionsFolder, temporaryFolder, quarantineFolder}
	for _, folder := range folders {
		if err := files.Mkdir(folder); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	if !durable {
		return d, nil
	}
	for _, folder := range append(folders, ".") {
		if err := files.SyncDir(folder); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// newDiskReadOnly is a disk that can only be looked at.
func newDiskReadOnly(files FileSystem) *disk {
	return &disk{fs: files, index: &journalIndex{files: files}}
}

func (d *disk) create(_ context.Context, key string) (draft, error) {
	temp, err := d.fs.Temp()
	if err != nil {
		return nil, err
	}
	return &diskDraft{disk: d, key: key, temp: temp}, nil
}

func (d *disk) open(_ context.Context, key string) (io.ReadCloser, error) {
	return d.fs.Open(key)
}

func (d *disk) remove(_ context.Context, key string) error {
	if err := d.fs.Remove(key); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// Flushed even when nothing was there: it may have been removed just
	// before a crash.
	directory, _ := split(key)
	if err := d.syncDir(directory); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (d *disk) syncDir(directory string) error {
	if !d.durable {
		return nil
	}
	return d.syncs.shared(directory, d.flushDirectory)
}

// flushDirectory flushes the entries of a directory. When that fails, every
// directory whose entry was among them is in doubt.
func (d *disk) flushDirectory(directory string) error {
	err := d.fs.SyncDir(directory)
	if err == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for made, fresh := range d.fresh {
		if parent, _ := split(made); parent == directory {
			fresh.doubtful = true
		}
	}
	return err
}

// directoryFor makes the directory that shall hold an entry, if it is missing.
// Its own entry is flushed by settle, together with what is put into it.
func (d *disk) directoryFor(directory string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if fresh := d.fresh[directory]; fresh != nil && fresh.doubtful {
		// Its entry could not be flushed, and a second flush may claim what is
		// not so. A new directory has a new entry.
		if err := d.fs.Remove(directory); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s could not be flushed and is in use: %w", directory, err)
		}
		delete(d.fresh, directory)
	}
	info, err := d.fs.Lstat(directory)
	if err == nil && !info.IsDir() {
		return &fs.PathError{Op: "mkdir", Path: directory, Err: errors.New("is not a directory")}
	}
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.fs.Mkdir(directory); err != nil {
		return err
	}
	d.fresh[directory] = &freshDirectory{}
	return nil
}

// settle flushes the entries of a directory and, where that is still to do,
// the directory's own entry.
func (d *disk) settle(directory string) error {
	if err := d.syncDir(directory); err != nil {
		return err
	}
	d.mu.Lock()
	fresh := d.fresh[directory]
	d.mu.Unlock()
	if fresh == nil {
		return nil
	}
	parent, _ := split(directory)
	if err := d.syncDir(parent); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if fresh.doubtful {
		return fmt.Errorf("flushing the entry of %s has failed before", directory)
	}
	if d.fresh[directory] == fresh {
		delete(d.fresh, directory)
	}
	return nil
}

// settleAll puts all content on stable storage that is visible when it is
// called. When that fails, every directory made shortly before is in doubt.
func (d *disk) settleAll() error {
	d.mu.Lock()
	made := maps.Clone(d.fresh)
	d.mu.Unlock()
	err := d.fs.SyncAll()
	d.mu.Lock()
	defer d.mu.Unlock()
	for directory, fresh := range made {
		if err != nil {
			fresh.doubtful = true
		} else if d.fresh[directory] == fresh && !fresh.doubtful {
			delete(d.fresh, directory)
		}
	}
	return err
}

// restore durably makes data what is under key, whatever is there.
func (d *disk) restore(ctx context.Context, key string, data []byte) (err error) {
	temp, err := d.fs.Temp()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, temp.Close()) }()
	if _, err := temp.Write(data); err != nil {
		return err
	}
	if err := d.syncs.run(ctx, temp.Sync); err != nil {
		return err
	}
	directory, _ := split(key)
	if err := d.directoryFor(directory); err != nil {
		return err
	}
	if err := temp.Replace(key); err != nil {
		return err
	}
	parent, _ := split(directory)
	return errors.Join(d.syncs.shared(directory, d.flushDirectory), d.syncs.shared(parent, d.flushDirectory))
}

// diskDraft is one file being written.
type diskDraft struct {
	disk   *disk
	key    string
	temp   Temp
	size   int64
	record *record // in the journal; nil when it was flushed by itself
}

func (f *diskDraft) Write(p []byte) (int, error) {
	n, err := f.temp.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	f.size += int64(n)
	return n, err
}

func (f *diskDraft) flush(ctx context.Context) error {
	if !f.disk.durable {
		return nil
	}
	if r, added := f.disk.journal.add(f.key, f.size, f.temp); added {
		if err := f.disk.journal.flush(ctx, r); err == nil || ctx.Err() != nil {
			f.record = r
			return err
		}
	}
	return f.flushFile(ctx)
}

// flushFile flushes the content by itself.
func (f *diskDraft) flushFile(ctx context.Context) error {
	if early, ok := f.temp.(interface{ drain() }); ok {
		early.drain() // before it takes one of the few slots
	}
	return f.disk.syncs.run(ctx, f.temp.Sync)
}

func (f *diskDraft) publish(ctx context.Context, _ Sums) error {
	if f.record != nil {
		if f.disk.journal.hold(f.record) {
			defer f.record.release()
			return f.link()
		}
		if err := f.flushFile(ctx); err != nil { // the client took its time
			return err
		}
	}
	if err := f.link(); err != nil {
		return err
	}
	directory, _ := split(f.key)
	return f.disk.settle(directory)
}

// link makes the draft visible under its key, and promises nothing.
func (f *diskDraft) link() error {
	directory, _ := split(f.key)
	if err := f.disk.directoryFor(directory); err != nil {
		return err
	}
	return f.temp.Link(f.key)
}

func (f *diskDraft) discard() (left bool, err error) { return false, f.temp.Close() }

func (d *disk) close() {
	d.journal.close()
	d.index.close()
}
