package persistence

import (
	"io"
	"io/fs"
)

// FileSystem is all that content on disk asks of the operating system: the
// seam at which tests and proofs inject faults or leave a step out. Names are
// slash-separated and relative to the data directory; no name, and no symbolic
// link found on the way, leads out of it. It is safe for concurrent use.
type FileSystem interface {
	// Temp opens a new, empty file that is visible under no final name.
	Temp() (Temp, error)
	// Open opens a file for reading.
	Open(name string) (io.ReadCloser, error)
	// OpenFile opens a file to be read and written at any place, or with the
	// flag os.O_RDONLY to be read; with os.O_CREATE it is made when missing.
	OpenFile(name string, flag int) (Handle, error)
	// Lstat describes a name without following a link.
	Lstat(name string) (fs.FileInfo, error)
	// Mkdir makes one directory of mode 0700.
	Mkdir(name string) error
	// Rename moves a file to a name that is free.
	Rename(from, to string) error
	// Remove removes a file or an empty directory.
	Remove(name string) error
	// SyncDir puts the entries of a directory on stable storage.
	SyncDir(name string) error
	// SyncsAll reports that SyncAll can be relied on.
	SyncsAll() bool
	// SyncAll puts everything on stable storage that was done before it: bytes
	// and entries.
	SyncAll() error
	// List visits the entries of a directory in no order, without holding
	// them all in memory.
	List(name string, visit func(fs.DirEntry) error) error
}

// Handle is a file that has a name. It is safe for concurrent use.
type Handle interface {
	io.ReaderAt
	io.WriterAt
	// Sync puts the bytes written on stable storage.
	Sync() error
	Close() error
}

// Temp is a file that has no final name yet. It is for one goroutine at a time.
type Temp interface {
	io.Writer
	io.ReaderAt
	// Sync puts the bytes written on stable storage.
	Sync() error
	// Link makes the file visible under a final name, which must be free
	// (fs.ErrExist) and in a directory that exists (fs.ErrNotExist).
	Link(name string) error
	// Replace is Link to a name that another file may have, which loses it in
	// the same moment.
	Replace(name string) error
	// Close closes the file; without a final name it is gone.
	Close() error
}
