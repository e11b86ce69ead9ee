package persistence

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// rootFS is the FileSystem of a data directory. Every name goes through
// os.Root, which cannot be left.
type rootFS struct {
	root  *os.Root
	whole *os.File // of the file system, for SyncAll; nil where that cannot be
	early *early   // nil: nothing is sent early
	temp  func() (Temp, error)
}

// newRootFS finds out how the file system below root gives a finished file its
// name, by trying. In this order, measured with 64 writers on ext4: a file
// without a name that is linked (1,700 files/s, where a named temporary file
// made 1,000); a temporary name that is linked; one that is renamed, for file
// systems without hard links. With durable, content is sent to the disk early.
//
// directory is that of root, open as long as the FileSystem is used: the kernel
// tells a file about the failures of its file system since it was opened.
func newRootFS(root *os.Root, directory *os.File, durable bool) (*rootFS, error) {
	r := &rootFS{root: root}
	if syncsAll(directory) {
		r.whole = directory
	}
	if durable {
		r.sendEarly()
	}
	var failed []error
	for _, temp := range []func() (Temp, error){r.unnamed, r.linked, r.renamed} {
		err := r.try(temp)
		if err == nil {
			r.temp = temp
			return r, nil
		}
		failed = append(failed, err)
	}
	return nil, fmt.Errorf("no file can be made in %s: %w", root.Name(), errors.Join(failed...))
}

func (r *rootFS) try(temp func() (Temp, error)) error {
	file, err := temp()
	if err != nil {
		return err
	}
	name := temporaryName()
	linked := file.Link(name)
	if linked == nil {
		linked = r.Remove(name)
	}
	return errors.Join(linked, file.Close())
}

func temporaryName() string { return temporaryFolder + "/" + rand.Text() }

func (r *rootFS) Temp() (Temp, error)                     { return r.temp() }
func (r *rootFS) Open(name string) (io.ReadCloser, error) { return r.root.Open(name) }
func (r *rootFS) Lstat(name string) (fs.FileInfo, error)  { return r.root.Lstat(name) }
func (r *rootFS) Mkdir(name string) error                 { return r.root.Mkdir(name, 0o700) }
func (r *rootFS) Remove(name string) error                { return r.root.Remove(name) }

func (r *rootFS) OpenFile(name string, flag int) (Handle, error) {
	file, err := r.root.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err // and no Handle that is a nil *os.File
	}
	return namedFile{file}, nil
}

func (r *rootFS) Rename(from, to string) error {
	if err := r.free(to); err != nil {
		return err
	}
	return r.root.Rename(from, to)
}

// free fails with fs.ErrExist unless nothing has the name. Whoever renames to
// a name holds a claim on it, so nobody makes it between the two.
func (r *rootFS) free(name string) error {
	switch _, err := r.root.Lstat(name); {
	case err == nil:
		return &fs.PathError{Op: "rename", Path: name, Err: fs.ErrExist}
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return err
	}
}

func (r *rootFS) SyncDir(name string) error {
	directory, err := r.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

func (r *rootFS) SyncsAll() bool { return r.whole != nil }
func (r *rootFS) SyncAll() error { return syncAll(r.whole) }

// replace gives a file a name that another may have.
func (r *rootFS) replace(file Temp, name string) error {
	between := temporaryName()
	if err := file.Link(between); err != nil {
		return err
	}
	return r.root.Rename(between, name)
}

func (r *rootFS) List(name string, visit func(fs.DirEntry) error) error {
	directory, err := r.root.Open(name)
	if err != nil {
		return err
	}
	defer directory.Close()
	for {
		entries, err := directory.ReadDir(1024)
		for _, entry := range entries {
			if err := visit(entry); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// namedTemp is a Temp under a temporary name.
type namedTemp struct {
	*os.File
	fs   *rootFS
	name string // "" when it has moved away
	move bool
}

func (r *rootFS) linked() (Temp, error)  { return r.named(false) }
func (r *rootFS) renamed() (Temp, error) { return r.named(true) }

func (r *rootFS) named(move bool) (Temp, error) {
	name := temporaryName()
	file, err := r.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return &namedTemp{File: file, fs: r, name: name, move: move}, nil
}

func (t *namedTemp) Link(name string) error {
	if !t.move {
		return t.fs.root.Link(t.name, name)
	}
	if err := t.fs.Rename(t.name, name); err != nil {
		return err
	}
	t.name = ""
	return nil
}

func (t *namedTemp) Replace(name string) error { return t.fs.replace(t, name) }

func (t *namedTemp) Close() error {
	err := t.File.Close()
	if t.name != "" {
		err = errors.Join(err, t.fs.root.Remove(t.name))
		t.name = ""
	}
	return err
}

// split cuts a name into its directory and its last part.
func split(name string) (directory, last string) {
	return path.Dir(name), path.Base(name)
}

// namedFile is a Handle of the operating system.
type namedFile struct{ *os.File }

// Sync flushes the bytes, and of the rest what is needed to read them.
func (f namedFile) Sync() error { return syncData(f.File) }
