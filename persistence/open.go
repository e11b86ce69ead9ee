package persistence

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Open opens the storage that the options name, or makes it. What a crash left
// behind is removed before it returns: uploads of stores that are gone,
// temporary files. The database is refused with ErrNewerDatabase when a later
// version of this program has changed it and this one cannot go on with it.
//
// What is below the data directory is for this process alone: ErrLocked when
// another has it. Rows in PostgreSQL and content elsewhere are shared with
// other nodes.
func Open(ctx context.Context, options Options) (*Store, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	s := newStore(options)
	if err := s.open(ctx); err != nil {
		return nil, fmt.Errorf("open %s: %w", options.place(), errors.Join(err, s.release()))
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.work.Go(func() { s.removeLoop(background) })
	s.work.Go(func() { s.touchLoop(background) })
	s.work.Go(func() { s.leaseLoop(background) })
	return s, nil
}

// OpenReadOnly opens existing storage to look at it, whether or not another
// process has it open. Methods that change something fail with ErrReadOnly. Of
// the options only those count that say where rows and content are.
func OpenReadOnly(ctx context.Context, options Options) (*Store, error) {
	s := newStore(options)
	s.looking = true
	if err := s.openReadOnly(ctx); err != nil {
		return nil, fmt.Errorf("open %s: %w", options.place(), errors.Join(err, s.release()))
	}
	return s, nil
}

func newStore(options Options) *Store {
	s := &Store{
		options:  options,
		owner:    rand.Text(),
		onDisk:   options.onDisk(),
		live:     map[string]struct{}{},
		touched:  map[ClientID]time.Time{},
		removing: make(chan struct{}, 1),
		removal:  make(chan struct{}, 1),
		recorded: make(chan struct{}, 1),
	}
	s.again = time.AfterFunc(failedPause, s.wakeRemoval)
	s.again.Stop()
	return s
}

// open takes the data directory, where it is used, then the content and the
// rows, each where the options say.
func (s *Store) open(ctx context.Context) (err error) {
	if s.options.usesDirectory() {
		if err := s.takeDirectory(); err != nil {
			return err
		}
	}
	if s.onDisk {
		err = errors.Join(s.openLowWater(), s.openDisk())
	} else {
		s.content, err = s.openElsewhere(ctx)
	}
	if err != nil {
		return err
	}
	if s.rows, err = s.openRows(ctx); err != nil {
		return err
	}
	if s.options.database != nil {
		s.rows = s.options.database(s.rows)
	}
	if s.options.usesDirectory() {
		if err := syncPath(s.options.DataDir); err != nil { // the entries of the database and its log
			return err
		}
	}
	return s.recover(ctx)
}

// takeDirectory makes the data directory and locks it.
func (s *Store) takeDirectory() (err error) {
	directory := s.options.DataDir
	if err := makeDirectory(directory); err != nil {
		return err
	}
	if s.lock, err = lock(filepath.Join(directory, lockFile)); err != nil {
		return err
	}
	if s.root, err = os.OpenRoot(directory); err != nil {
		return err
	}
	s.copying, err = s.root.Open(".")
	return err
}

// openLowWater makes sure that the mark can be held.
func (s *Store) openLowWater() error {
	s.lowWater.mark = s.options.MinFree
	s.lowWater.free = func() (int64, error) {
		free, _, known := space(s.options.DataDir)
		if !known {
			return 0, fmt.Errorf("the free space of %s cannot be told", s.options.DataDir)
		}
		return free, nil
	}
	if s.lowWater.mark == 0 {
		return nil
	}
	_, err := s.lowWater.free()
	return err
}

func (s *Store) openDisk() error {
	if err := s.root.RemoveAll(temporaryFolder); err != nil {
		return err
	}
	if err := s.root.Mkdir(temporaryFolder, 0o700); err != nil {
		return err
	}
	durable := s.options.Durability == Full
	below, err := newRootFS(s.root, s.copying, durable)
	if err != nil {
		return err
	}
	var files FileSystem = below
	if s.options.FileSystem != nil {
		files = s.options.FileSystem(files)
	}
	there, err := newDisk(files, durable)
	if err != nil {
		return err // and no content that is a nil *disk
	}
	s.content = there
	return nil
}

// openElsewhere opens content that is not on the own disk.
func (s *Store) openElsewhere(ctx context.Context) (contents, error) {
	if s.options.content != nil {
		return s.options.content(ctx)
	}
	there, err := newS3(ctx, *s.options.S3)
	if err != nil {
		return nil, err // and no content that is a nil *s3
	}
	return there, nil
}

func (s *Store) openRows(ctx context.Context) (database, error) {
	if s.options.Postgres != "" {
		rows, err := openPostgres(ctx, s.options)
		if err != nil {
			return nil, fmt.Errorf("PostgreSQL: %w", err)
		}
		return rows, nil
	}
	path, err := makeDatabase(s.options.DataDir)
	if err != nil {
		return nil, err
	}
	rows, err := openSQLite(ctx, path, s.options.Durability)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", databaseFile, err)
	}
	return rows, nil
}

func (s *Store) openReadOnly(ctx context.Context) (err error) {
	if s.options.usesDirectory() {
		if s.root, err = os.OpenRoot(s.options.DataDir); err != nil {
			return err
		}
	}
	if s.onDisk {
		s.content = newDiskReadOnly(&rootFS{root: s.root})
	} else if s.content, err = s.openElsewhere(ctx); err != nil {
		return err
	}
	s.rows, err = s.openRowsReadOnly(ctx)
	return err
}

func (s *Store) openRowsReadOnly(ctx context.Context) (database, error) {
	if s.options.Postgres != "" {
		rows, err := openPostgresReadOnly(ctx, s.options.Postgres)
		if err != nil {
			return nil, fmt.Errorf("PostgreSQL: %w", err)
		}
		return rows, nil
	}
	if _, err := s.root.Stat(databaseFile); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(filepath.Join(s.options.DataDir, databaseFile))
	if err != nil {
		return nil, err
	}
	rows, err := openSQLiteReadOnly(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", databaseFile, err)
	}
	return rows, nil
}

// makeDatabase makes the database's file with its mode, if it is missing:
// SQLite gives its log the mode of the file. An existing file is not even
// opened, because closing it would drop SQLite's locks of this process.
func makeDatabase(directory string) (path string, err error) {
	path, err = filepath.Abs(filepath.Join(directory, databaseFile))
	if err != nil {
		return "", err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return path, nil
	}
	if err != nil {
		return "", err
	}
	return path, file.Close()
}

// makeDirectory makes a directory and its parents, durably.
func makeDirectory(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := makeDirectory(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	return syncPath(parent)
}

// syncPath puts the entries of a directory on stable storage.
func syncPath(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
