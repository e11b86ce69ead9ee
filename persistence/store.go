package persistence

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const (
	databaseFile = "sealquay.db"
	lockFile     = "sealquay.lock"
)

// Store holds clients, files and their content. All its methods are safe for
// concurrent use and block the calling goroutine.
type Store struct {
	options  Options
	owner    string // of the uploads begun by this opening
	rows     database
	content  contents
	lowWater lowWater
	root     *os.Root
	lock     *os.File // nil when read only

	mu      sync.Mutex
	live    map[string]struct{}    // uploads that have not ended
	touched map[ClientID]time.Time // last seen, to be written

	counters counters
	probe    probe

	closed   atomic.Bool
	removing sync.Mutex    // held while claims are carried out
	removal  chan struct{} // holds one token when content waits to be removed
	recorded chan struct{} // holds one token when deliveries were recorded
	stop     context.CancelFunc
	work     sync.WaitGroup
}

// Open opens the embedded storage of a data directory, or makes it, for this
// process alone: ErrLocked when another has it. What a crash left behind is
// removed before it returns: uploads that were under way, temporary files.
// The database is refused with ErrNewerDatabase when a later version of this
// program has changed it.
func Open(ctx context.Context, options Options) (*Store, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	s := newStore(options)
	if err := s.open(ctx); err != nil {
		return nil, fmt.Errorf("open data directory %s: %w", options.DataDir, errors.Join(err, s.release()))
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.work.Go(func() { s.removeLoop(background) })
	s.work.Go(func() { s.touchLoop(background) })
	return s, nil
}

// OpenReadOnly opens an existing data directory to look at it, whether or not
// another process has it open. Methods that change something fail with
// ErrReadOnly.
func OpenReadOnly(ctx context.Context, dataDir string) (*Store, error) {
	s := newStore(Options{DataDir: dataDir})
	if err := s.openReadOnly(ctx); err != nil {
		return nil, fmt.Errorf("open data directory %s: %w", dataDir, errors.Join(err, s.release()))
	}
	return s, nil
}

func newStore(options Options) *Store {
	return &Store{
		options:  options,
		owner:    rand.Text(),
		live:     map[string]struct{}{},
		touched:  map[ClientID]time.Time{},
		removal:  make(chan struct{}, 1),
		recorded: make(chan struct{}, 1),
	}
}

func (s *Store) open(ctx context.Context) (err error) {
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
	if err := s.openLowWater(); err != nil {
		return err
	}
	if err := s.openContent(); err != nil {
		return err
	}
	path, err := makeDatabase(directory)
	if err != nil {
		return err
	}
	rows, err := openSQLite(ctx, path, s.options.Durability)
	if err != nil {
		return fmt.Errorf("%s: %w", databaseFile, err)
	}
	s.rows = rows
	if s.options.database != nil {
		s.rows = s.options.database(rows)
	}
	if err := syncPath(directory); err != nil { // the entries of the database and its log
		return err
	}
	return s.recover(ctx)
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

func (s *Store) openContent() error {
	if err := s.root.RemoveAll(temporaryFolder); err != nil {
		return err
	}
	if err := s.root.Mkdir(temporaryFolder, 0o700); err != nil {
		return err
	}
	below, err := newRootFS(s.root)
	if err != nil {
		return err
	}
	var files FileSystem = below
	if s.options.FileSystem != nil {
		files = s.options.FileSystem(files)
	}
	s.content, err = newDisk(files, s.options.Durability == Full)
	return err
}

func (s *Store) openReadOnly(ctx context.Context) (err error) {
	if s.root, err = os.OpenRoot(s.options.DataDir); err != nil {
		return err
	}
	if _, err := s.root.Stat(databaseFile); err != nil {
		return err
	}
	path, err := filepath.Abs(filepath.Join(s.options.DataDir, databaseFile))
	if err != nil {
		return err
	}
	s.content = &disk{fs: &rootFS{root: s.root}}
	rows, err := openSQLiteReadOnly(ctx, path)
	if err != nil {
		return fmt.Errorf("%s: %w", databaseFile, err)
	}
	s.rows = rows
	return nil
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

// Close writes what is left of last seen and closes the store. Uploads that
// have not ended cannot be verified any more: the next Open removes them.
func (s *Store) Close() error {
	if s.close() {
		return ErrClosed
	}
	var err error
	if s.stop != nil {
		s.stop()
		s.work.Wait()
		err = s.writeTouched(context.Background())
	}
	return errors.Join(err, s.release())
}

// close marks the store as closed and reports whether it was before. No probe
// begins after it.
func (s *Store) close() (before bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed.Swap(true)
}

// release gives back what open took, as far as it came.
func (s *Store) release() error {
	var failed []error
	if s.rows != nil {
		failed = append(failed, s.rows.close())
	}
	if s.root != nil {
		failed = append(failed, s.root.Close())
	}
	if s.lock != nil {
		failed = append(failed, s.lock.Close())
	}
	return errors.Join(failed...)
}

// update is a transaction that changes rows.
func (s *Store) update(ctx context.Context, job func(tx) error) error {
	if s.closed.Load() {
		return ErrClosed
	}
	return withSpace(s.counters.fault(s.rows.update(ctx, job)))
}

// record is update that does not wait for stable storage; see rows.record.
func (s *Store) record(ctx context.Context, job func(tx) error) (mark, error) {
	if s.closed.Load() {
		return 0, ErrClosed
	}
	at, err := s.rows.record(ctx, job)
	return at, withSpace(s.counters.fault(err))
}

// view reads rows.
func (s *Store) view(ctx context.Context, job func(tx) error) error {
	if s.closed.Load() {
		return ErrClosed
	}
	return s.counters.fault(s.rows.view(ctx, job))
}

// readOnly reports that the store was opened only to be looked at.
func (s *Store) readOnly() bool { return s.lock == nil }

// trouble reports a failure that no caller waits for.
func (s *Store) trouble(err error) {
	if err != nil && s.options.Trouble != nil {
		s.options.Trouble(err)
	}
}
