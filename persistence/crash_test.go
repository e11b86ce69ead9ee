package persistence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// crashRows is a database on a machine that may stop: before a transaction, or
// after its commit, when the answer is lost. What was committed and not flushed
// may be lost with the power.
type crashRows struct {
	database
	crash  *crash
	stable *stableRows
}

func (r crashRows) update(ctx context.Context, job func(tx) error) error {
	if err := r.crash.step(); err != nil {
		return err
	}
	err := r.database.update(ctx, job)
	return errors.Join(err, r.stable.keep(), r.crash.step())
}

func (r crashRows) record(ctx context.Context, job func(tx) error) (mark, error) {
	if err := r.crash.step(); err != nil {
		return 0, err
	}
	at, err := r.database.record(ctx, job)
	return at, errors.Join(err, r.crash.step())
}

func (r crashRows) settle(ctx context.Context, at mark) error {
	if err := r.crash.step(); err != nil {
		return err
	}
	err := r.database.settle(ctx, at)
	return errors.Join(err, r.stable.keep(), r.crash.step())
}

func (r crashRows) view(ctx context.Context, job func(tx) error) error {
	if err := r.crash.step(); err != nil {
		return err
	}
	return r.database.view(ctx, job)
}

// stableRows is the database as it was flushed last: a copy of its file and of
// its log, taken when a flush has ended. The log of these tests is never long
// enough to be moved into the database, so it only grows, and a copy that is
// taken while it does ends with its last whole commit.
type stableRows struct {
	path   string
	mu     sync.Mutex
	frozen bool              // the power is away: what is flushed now is not
	files  map[string][]byte // by the end of their name
}

func (r *stableRows) freeze(frozen bool) {
	r.mu.Lock()
	r.frozen = frozen
	r.mu.Unlock()
}

func (r *stableRows) keep() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.frozen {
		return errCrashed
	}
	files := map[string][]byte{}
	for _, end := range []string{"", "-wal"} {
		content, err := os.ReadFile(r.path + end)
		if err != nil {
			return err
		}
		files[end] = content
	}
	r.files = files
	return nil
}

// restore takes back what was not flushed. The database must be closed.
func (r *stableRows) restore() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for end, content := range r.files {
		if err := os.WriteFile(r.path+end, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// machine runs a store on a powerFS, and keeps account of what it has
// promised.
type machine struct {
	crash   *crash
	files   *powerFS
	rows    *stableRows
	options Options
	store   *Store

	mu       sync.Mutex
	promised map[string][]byte   // by file name: acknowledged last
	tried    map[string][][]byte // not acknowledged, but verified perhaps, since then
}

// mutant changes the file system that a store sees.
type mutant func(FileSystem) FileSystem

func newMachine(t testing.TB, options Options, mutate mutant) *machine {
	m := &machine{crash: &crash{}, promised: map[string][]byte{}, tried: map[string][][]byte{}}
	m.files = newPowerFS(m.crash)
	options.DataDir = fastDir(t)
	options.JournalPause = time.Hour // the journal is settled when a test says so
	if err := os.WriteFile(filepath.Join(options.DataDir, databaseFile), emptyDatabase(), 0o600); err != nil {
		t.Fatal(err)
	}
	options.FileSystem = func(FileSystem) FileSystem {
		if mutate == nil {
			return m.files
		}
		return mutate(m.files)
	}
	m.rows = &stableRows{path: filepath.Join(options.DataDir, databaseFile)}
	mutateRows := options.database
	options.database = func(d database) database {
		d = crashRows{d, m.crash, m.rows}
		if mutateRows != nil {
			d = mutateRows(d)
		}
		return d
	}
	m.options = options
	return m
}

// emptyDatabase is a database at the last version: to migrate each machine
// anew takes most of the time.
var emptyDatabase = sync.OnceValue(func() []byte {
	directory, err := os.MkdirTemp("", "sealquay-test-*")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(directory)
	path := filepath.Join(directory, databaseFile)
	rows, err := openSQLite(context.Background(), path, Full)
	if err != nil {
		panic(err)
	}
	if err := rows.close(); err != nil {
		panic(err)
	}
	database, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return database
})

// fastDir is a temporary directory, in memory where the machine has such: the
// loss of what is not flushed is simulated.
func fastDir(t testing.TB) string {
	t.Helper()
	directory, err := os.MkdirTemp("/dev/shm", "sealquay-test-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(directory) })
	return directory
}

func (m *machine) open(ctx context.Context) error {
	store, err := Open(ctx, m.options)
	m.store = store
	return err
}

// stop takes the power away at this moment, or ends the machine that has
// stopped already.
func (m *machine) stop(chance func() bool) {
	m.crash.arm(1)
	m.rows.freeze(true)
	if m.store != nil {
		_ = m.store.Close() // nothing it does has an effect any more
		if !chance() {
			if err := m.rows.restore(); err != nil {
				panic(err)
			}
		}
	}
	m.store = nil
	m.files.cut(chance)
	m.rows.freeze(false)
	m.crash.arm(0)
}

// verify verifies an upload and notes what that promises.
func (m *machine) verify(ctx context.Context, u *Upload, content []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tried[u.fileName] = append(m.tried[u.fileName], content)
	if err := u.Verify(ctx); err != nil {
		return err
	}
	m.promised[u.fileName], m.tried[u.fileName] = content, nil
	return nil
}

func (m *machine) receive(ctx context.Context, id ClientID, name string, content []byte) (*Upload, error) {
	u, err := m.store.Begin(ctx, id, name, int64(len(content)))
	if err != nil {
		return nil, err
	}
	if _, err = u.Write(content); err == nil {
		err = u.Received(ctx, sumsOf(content))
	}
	return u, err
}

// prove compares the store with the account: what was promised is there and
// whole, and nothing is there that no row explains.
func (m *machine) prove(ctx context.Context) error {
	files := map[string]File{}
	for file, err := range m.store.Files(ctx, FileFilter{Verified: true}) {
		if err != nil {
			return err
		}
		files[file.FileName] = file
	}
	for name, content := range m.promised {
		if err := m.proveFile(ctx, files[name], content, m.tried[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	report, err := m.store.Check(ctx, CheckOptions{Deep: true})
	if err == nil && len(report.Findings) > 0 {
		err = fmt.Errorf("rows and content do not agree: %+v", report.Findings)
	}
	return err
}

func (m *machine) proveFile(ctx context.Context, file File, promised []byte, tried [][]byte) error {
	if !file.Verified {
		return errors.New("acknowledged and not verified")
	}
	from, err := m.store.content.open(ctx, file.PathName)
	if err != nil {
		return err
	}
	stored, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	allowed := append(slices.Clone(tried), promised)
	if !slices.ContainsFunc(allowed, func(c []byte) bool { return bytes.Equal(c, stored) }) {
		return fmt.Errorf("content %q, acknowledged %q, tried %q", stored, promised, tried)
	}
	return nil
}

// scenario does one of everything. It stops at the first error.
func (m *machine) scenario(ctx context.Context) error {
	if err := m.open(ctx); err != nil {
		return err
	}
	anna, err := m.store.Register(ctx, "anna")
	if err != nil {
		return err
	}
	for _, content := range []string{"first", "second", "third"} {
		u, err := m.receive(ctx, anna, "replaced", []byte(content))
		if err != nil {
			return err
		}
		if err := m.verify(ctx, u, []byte(content)); err != nil {
			return err
		}
	}
	rejected, err := m.receive(ctx, anna, "rejected", []byte("damaged"))
	if err != nil {
		return err
	}
	if err := rejected.Discard(ctx); err != nil {
		return err
	}
	older, err := m.receive(ctx, anna, "raced", []byte("older"))
	if err != nil {
		return err
	}
	newer, err := m.receive(ctx, anna, "raced", []byte("newer"))
	if err != nil {
		return err
	}
	if err := m.verify(ctx, newer, []byte("newer")); err != nil {
		return err
	}
	if err := older.Discard(ctx); err != nil {
		return err
	}
	return m.scenarioOther(ctx)
}

func (m *machine) scenarioOther(ctx context.Context) error {
	berta, err := m.store.Register(ctx, "berta")
	if err != nil {
		return err
	}
	u, err := m.receive(ctx, berta, "only", []byte("of another client"))
	if err != nil {
		return err
	}
	if err := m.verify(ctx, u, []byte("of another client")); err != nil {
		return err
	}
	if err := m.scenarioJournal(ctx, berta); err != nil {
		return err
	}
	if _, err := m.receive(ctx, berta, "left", []byte("under way")); err != nil {
		return err
	}
	_, err = m.store.Sweep(ctx)
	return err
}

// scenarioJournal moves contents through the journal, where there is one: keys
// are used again while and after it holds something for them.
func (m *machine) scenarioJournal(ctx context.Context, id ClientID) error {
	if m.options.JournalUpTo == 0 {
		return nil
	}
	settle := func() error { return m.store.content.(*disk).journal.settle() }
	remove := func() error { _, err := m.store.removeClaimed(ctx); return err }
	put := func(content string) func() error {
		return func() error {
			u, err := m.receive(ctx, id, "used again", []byte(content))
			if err != nil {
				return err
			}
			return m.verify(ctx, u, []byte(content))
		}
	}
	for _, step := range []func() error{
		put("small"), put("other"), remove, put("large, while the plain key is in the journal"), remove,
		put("last"), settle, remove, put("large, under the plain key"), put("end"), settle, put("after"),
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// crashes runs the scenario with a crash at each step, or each stride-th, and
// at some steps of the recovery too, and returns the first proof that fails.
func crashes(t *testing.T, options Options, mutate mutant, stride int, chance func() func() bool) error {
	t.Helper()
	ctx := context.Background()
	for at := 1; ; at += stride {
		m := newMachine(t, options, mutate)
		m.crash.arm(at)
		ran := m.scenario(ctx)
		m.stop(chance())
		for again := at % 40; again > 0; again /= 3 {
			m.crash.arm(again)
			_ = m.open(ctx)
			m.stop(chance())
		}
		if err := m.open(ctx); err != nil {
			return fmt.Errorf("open after a crash at step %d: %w", at, err)
		}
		err := m.prove(ctx)
		m.stop(keepAll)
		_ = os.RemoveAll(m.options.DataDir)
		if err != nil {
			return fmt.Errorf("after a crash at step %d: %w", at, err)
		}
		if ran == nil {
			return nil
		}
	}
}

// crashStride is 1 in the long form of the proof, which looks at every step.
func crashStride() int {
	if long() {
		return 1
	}
	return 11
}

// chances are the ways a power cut treats what was not flushed.
func chances() map[string]func() func() bool {
	seed := uint64(0)
	return map[string]func() func() bool{
		"nothing unflushed survives": func() func() bool { return loseAll },
		"all survives":               func() func() bool { return keepAll },
		"some survives":              func() func() bool { seed++; return luck(seed) },
	}
}

func TestNothingAcknowledgedIsLostAtAnyStep(t *testing.T) {
	for name, chance := range chances() {
		for _, options := range []Options{{}, {OnConflict: Keep, Keep: 1}} {
			t.Run(fmt.Sprintf("%s/%v", name, options.OnConflict), func(t *testing.T) {
				if err := crashes(t, options, nil, crashStride(), chance); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestProofFailsWithoutEachStep takes out what Verify rests on, one thing at a
// time: the proof above must notice.
func TestProofFailsWithoutEachStep(t *testing.T) {
	for name, mutate := range mutants() {
		t.Run(name, func(t *testing.T) {
			if err := crashes(t, Options{}, mutate, 3, func() func() bool { return loseAll }); err == nil {
				t.Error("nobody notices")
			} else {
				t.Log(err)
			}
		})
	}
}

// TestProofFailsWithoutFlushOfTheIntent lets content be visible whose intent is
// not on stable storage.
func TestProofFailsWithoutFlushOfTheIntent(t *testing.T) {
	options := Options{database: func(d database) database { return unsettled{d} }}
	if err := crashes(t, options, nil, 1, func() func() bool { return loseRows() }); err == nil {
		t.Error("nobody notices")
	} else {
		t.Log(err)
	}
}

// loseRows loses the rows that were not flushed, and nothing else.
func loseRows() func() bool {
	first := true
	return func() bool {
		defer func() { first = false }()
		return !first
	}
}

// unsettled leaves out settle.
type unsettled struct{ database }

func (unsettled) settle(context.Context, mark) error { return nil }

func mutants() map[string]mutant {
	return map[string]mutant{
		"flush of content":                   func(f FileSystem) FileSystem { return &unflushed{FileSystem: f} },
		"link to the final name":             func(f FileSystem) FileSystem { return &unflushed{FileSystem: f, link: true} },
		"flush of the client's directory":    func(f FileSystem) FileSystem { return unsynced{f, 1} },
		"flush of the directory's own entry": func(f FileSystem) FileSystem { return unsynced{f, 0} },
		"removal of content":                 func(f FileSystem) FileSystem { return unremoved{f} },
	}
}

// unflushed leaves out Temp.Sync, or Temp.Link.
type unflushed struct {
	FileSystem
	link bool
}

func (u *unflushed) Temp() (Temp, error) {
	temp, err := u.FileSystem.Temp()
	return &unflushedTemp{temp, u.link}, err
}

type unflushedTemp struct {
	Temp
	link bool
}

func (u *unflushedTemp) Sync() error {
	if u.link {
		return u.Temp.Sync()
	}
	return nil
}

func (u *unflushedTemp) Link(name string) error {
	if u.link {
		return nil
	}
	return u.Temp.Link(name)
}

// unsynced leaves out SyncDir at one depth.
type unsynced struct {
	FileSystem
	depth int
}

func (u unsynced) SyncDir(name string) error {
	if name != "." && strings.Count(name, "/") == u.depth {
		return nil
	}
	return u.FileSystem.SyncDir(name)
}

// unremoved leaves out Remove.
type unremoved struct{ FileSystem }

func (unremoved) Remove(string) error { return nil }
