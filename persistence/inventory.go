package persistence

import (
	"context"
	"errors"
	"io/fs"
)

func (d *disk) size(_ context.Context, key string) (int64, error) {
	info, err := d.fs.Lstat(key)
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, &fs.PathError{Op: "size", Path: key, Err: errors.New("is not a regular file")}
	}
	return info.Size(), nil
}

func (d *disk) walk(ctx context.Context, visit func(key string, size int64) error) error {
	for _, folder := range []string{filesFolder, versionsFolder} {
		if err := d.walkFolder(ctx, folder, visit); err != nil {
			return err
		}
	}
	return nil
}

// walkFolder visits what is below a folder, at any depth: what does not
// belong there is to be seen too.
func (d *disk) walkFolder(ctx context.Context, folder string, visit func(string, int64) error) error {
	return d.fs.List(folder, func(entry fs.DirEntry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := folder + "/" + entry.Name()
		if entry.IsDir() {
			return d.walkFolder(ctx, name, visit)
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went meanwhile
		}
		if err != nil {
			return err
		}
		return visit(name, info.Size())
	})
}

func (d *disk) quarantine(ctx context.Context, key, as string) (string, error) {
	folder := quarantineFolder + "/" + as
	from, last := split(key)
	place := folder + "/" + last
	if _, err := d.fs.Lstat(key); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return place, nil
		}
		return "", err
	}
	if err := d.directoryFor(folder); err != nil {
		return "", err
	}
	if err := d.fs.Rename(key, place); err != nil {
		return "", err
	}
	return place, errors.Join(d.settle(folder), d.syncDir(from))
}

// A draft on disk has no name, or is below tmp, which is emptied at each start.

func (d *disk) drafts(context.Context, func(string) error) error { return nil }
func (d *disk) abort(context.Context, string) error              { return nil }
