package persistence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
)

// disk keeps content in files below the data directory.
type disk struct {
	fs      FileSystem
	durable bool // false: nothing is flushed
	syncs   *syncs

	mu sync.Mutex
	// fresh holds the directories made by this process whose own entry is not
	// yet on stable storage, true for those where flushing it has failed.
	fresh map[string]bool
}

// newDisk makes the folders of content, and puts on stable storage what an
// earlier process may have made without: from here on a directory that is
// found is there to stay.
func newDisk(files FileSystem, durable bool) (*disk, error) {
	d := &disk{fs: files, durable: durable, syncs: newSyncs(), fresh: map[string]bool{}}
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
	for made := range d.fresh {
		if parent, _ := split(made); parent == directory {
			d.fresh[made] = true
		}
	}
	return err
}

// directoryFor makes the directory that shall hold an entry, if it is missing.
// Its own entry is flushed by settle, together with what is put into it.
func (d *disk) directoryFor(directory string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fresh[directory] {
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
	d.fresh[directory] = false
	return nil
}

// settle flushes the entries of a directory and, where that is still to do,
// the directory's own entry.
func (d *disk) settle(directory string) error {
	if err := d.syncDir(directory); err != nil {
		return err
	}
	d.mu.Lock()
	_, fresh := d.fresh[directory]
	d.mu.Unlock()
	if !fresh {
		return nil
	}
	parent, _ := split(directory)
	if err := d.syncDir(parent); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fresh[directory] {
		return fmt.Errorf("flushing the entry of %s has failed before", directory)
	}
	delete(d.fresh, directory)
	return nil
}

// diskDraft is one file being written.
type diskDraft struct {
	disk *disk
	key  string
	temp Temp
}

func (f *diskDraft) Write(p []byte) (int, error) {
	n, err := f.temp.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}

func (f *diskDraft) flush(ctx context.Context) error {
	if !f.disk.durable {
		return nil
	}
	if early, ok := f.temp.(interface{ drain() }); ok {
		early.drain() // before it takes one of the few slots
	}
	return f.disk.syncs.run(ctx, f.temp.Sync)
}

func (f *diskDraft) publish(_ context.Context, _ Sums) error {
	directory, _ := split(f.key)
	if err := f.disk.directoryFor(directory); err != nil {
		return err
	}
	if err := f.temp.Link(f.key); err != nil {
		return err
	}
	return f.disk.settle(directory)
}

func (f *diskDraft) discard() (left bool, err error) { return false, f.temp.Close() }

func (d *disk) close() {}
