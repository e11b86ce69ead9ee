package persistence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// journalSome lets some contents of the scenario go through the journal.
const journalSome = 8

func TestNothingJournaledIsLostAtAnyStep(t *testing.T) {
	for name, chance := range chances() {
		for _, options := range []Options{{}, {OnConflict: Keep, Keep: 1}} {
			options.JournalUpTo = journalSome
			t.Run(fmt.Sprintf("%s/%v", name, options.OnConflict), func(t *testing.T) {
				if err := crashes(t, options, nil, crashStride(), chance); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestProofFailsWithoutEachStepOfTheJournal takes out what the journal rests on,
// one thing at a time: the proof above must notice.
func TestProofFailsWithoutEachStepOfTheJournal(t *testing.T) {
	for name, mutate := range map[string]mutant{
		"flush of the journal":         func(f FileSystem) FileSystem { return unflushedHandles{f} },
		"flush of the journal's names": func(f FileSystem) FileSystem { return unsyncedRoot{f} },
		"flush of all files":           func(f FileSystem) FileSystem { return unflushedAll{f} },
		"flush of a restored file":     func(f FileSystem) FileSystem { return &unflushed{FileSystem: f} },
		"flush of a restored entry":    func(f FileSystem) FileSystem { return unsynced{f, 1} },
		"replacement by the content":   func(f FileSystem) FileSystem { return unreplaced{f} },
	} {
		t.Run(name, func(t *testing.T) {
			if err := crashes(t, Options{JournalUpTo: 1000}, mutate, 1, func() func() bool { return loseAll }); err == nil {
				t.Error("nobody notices")
			} else {
				t.Log(err)
			}
		})
	}
}

// unflushedAll leaves out SyncAll.
type unflushedAll struct{ FileSystem }

func (unflushedAll) SyncsAll() bool { return true }
func (unflushedAll) SyncAll() error { return nil }

// unsyncedRoot leaves out SyncDir of the data directory.
type unsyncedRoot struct{ FileSystem }

func (u unsyncedRoot) SyncDir(name string) error {
	if name == "." {
		return nil
	}
	return u.FileSystem.SyncDir(name)
}

// unflushedHandles leaves out Handle.Sync.
type unflushedHandles struct{ FileSystem }

func (u unflushedHandles) OpenFile(name string, flag int) (Handle, error) {
	file, err := u.FileSystem.OpenFile(name, flag)
	return unflushedHandle{file}, err
}

type unflushedHandle struct{ Handle }

func (unflushedHandle) Sync() error { return nil }

// unreplaced leaves out Temp.Replace where something is there.
type unreplaced struct{ FileSystem }

func (u unreplaced) Temp() (Temp, error) {
	temp, err := u.FileSystem.Temp()
	return unreplacedTemp{temp}, err
}

type unreplacedTemp struct{ Temp }

func (u unreplacedTemp) Replace(name string) error { _ = u.Link(name); return nil }

// atSyncAll does something when everything has been flushed: what comes to be
// in it is not flushed any more. What it returns is the outcome of the flush.
type atSyncAll struct {
	FileSystem
	do func() error
}

func (a *atSyncAll) SyncAll() error {
	err := a.FileSystem.SyncAll()
	if a.do != nil {
		err = errors.Join(err, a.do())
	}
	return err
}

// journalMachine runs a store with a journal, whose files are flushed only when
// a test says so.
type journalMachine struct {
	*machine
	t     *testing.T
	files *atSyncAll
	anna  ClientID
}

func newJournalMachine(t *testing.T, mutate mutant) *journalMachine {
	t.Helper()
	m := &journalMachine{t: t}
	m.machine = newMachine(t, Options{JournalUpTo: journalSome}, func(f FileSystem) FileSystem {
		if mutate != nil {
			f = mutate(f)
		}
		m.files = &atSyncAll{FileSystem: f}
		return m.files
	})
	m.must(m.open(t.Context()))
	var err error
	m.anna, err = m.store.Register(t.Context(), "anna")
	m.must(err)
	return m
}

func (m *journalMachine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *journalMachine) put(name, content string) {
	m.t.Helper()
	u, err := m.receive(m.t.Context(), m.anna, name, []byte(content))
	m.must(err)
	m.must(m.verify(m.t.Context(), u, []byte(content)))
}

func (m *journalMachine) journal() *journal { return m.store.content.(*disk).journal }

// loseAndProve takes the power, and then proves that nothing is missing.
func (m *journalMachine) loseAndProve() {
	m.t.Helper()
	m.stop(loseAll)
	m.must(m.open(m.t.Context()))
	if err := m.prove(m.t.Context()); err != nil {
		m.t.Error(err)
	}
	m.stop(keepAll)
}

// TestWhatIsNamedWhileAllIsFlushed: content whose record is about to be retired
// when it gets its name is flushed by itself.
func TestWhatIsNamedWhileAllIsFlushed(t *testing.T) {
	m := newJournalMachine(t, nil)
	m.put("before", "first")
	slow, err := m.receive(t.Context(), m.anna, "slow", []byte("slow"))
	m.must(err)
	m.must(slow.flush.wait(t.Context()))
	m.files.do = func() error {
		m.must(m.verify(t.Context(), slow, []byte("slow")))
		m.put("between", "second")
		return nil
	}
	m.must(m.journal().settle())
	m.files.do = nil
	m.loseAndProve()
}

// TestWhatIsNamedAfterItsRecordWasRetired: the client's verdict came late.
func TestWhatIsNamedAfterItsRecordWasRetired(t *testing.T) {
	m := newJournalMachine(t, nil)
	slow, err := m.receive(t.Context(), m.anna, "slow", []byte("slow"))
	m.must(err)
	m.must(slow.flush.wait(t.Context()))
	m.must(m.journal().settle())
	m.put("fills the other segment", "first")
	m.must(m.journal().settle())
	m.put("fills the same segment", "first")
	m.must(m.verify(t.Context(), slow, []byte("slow")))
	m.loseAndProve()
}

// TestKeyIsNotUsedAgainWhileItIsInTheJournal, though its content is gone.
func TestKeyIsNotUsedAgainWhileItIsInTheJournal(t *testing.T) {
	m := newJournalMachine(t, nil)
	rejected, err := m.receive(t.Context(), m.anna, "name", []byte("first"))
	m.must(err)
	m.must(rejected.flush.wait(t.Context()))
	m.must(rejected.Discard(t.Context()))
	next, err := m.receive(t.Context(), m.anna, "name", []byte("next"))
	m.must(err)
	if next.key == rejected.key {
		t.Errorf("%s is used twice", next.key)
	}
	m.must(next.Discard(t.Context()))
	m.must(m.journal().settle())
	m.put("name", "last")
	if _, err := m.files.Lstat(rejected.key); err != nil {
		t.Errorf("the plain key is not used again: %v", err)
	}
	m.loseAndProve()
}

// TestJournalWhoseFlushFails goes on without it, and loses nothing.
func TestJournalWhoseFlushFails(t *testing.T) {
	broken := errors.New("broken")
	for name, fail := range map[string]func(*journalMachine, *atSync){
		"of all files":   func(m *journalMachine, _ *atSync) { m.files.do = func() error { return broken } },
		"of the journal": func(_ *journalMachine, s *atSync) { s.fail = broken },
	} {
		t.Run(name, func(t *testing.T) {
			sync := &atSync{}
			m := newJournalMachine(t, func(f FileSystem) FileSystem { return failingHandles{f, sync} })
			m.put("before", "first")
			fail(m, sync)
			m.put("between", "second")
			_ = m.journal().settle()
			m.files.do, sync.fail = nil, nil
			berta, err := m.store.Register(t.Context(), "berta")
			m.must(err)
			m.anna = berta // in whose directory there is no doubt
			m.put("after", "third")
			if m.journal().has(plainKey(berta, "after")) {
				t.Error("the journal is still used")
			}
			m.loseAndProve()
		})
	}
}

// atSync decides what becomes of a flush of the journal.
type atSync struct{ fail error }

type failingHandles struct {
	FileSystem
	sync *atSync
}

func (f failingHandles) OpenFile(name string, flag int) (Handle, error) {
	file, err := f.FileSystem.OpenFile(name, flag)
	return failingHandle{file, f.sync}, err
}

type failingHandle struct {
	Handle
	sync *atSync
}

func (f failingHandle) Sync() error {
	if f.sync.fail != nil {
		return f.sync.fail
	}
	return f.Handle.Sync()
}

// TestFullSegment: what finds no room is flushed by itself.
func TestFullSegment(t *testing.T) {
	m := newJournalMachine(t, nil)
	m.journal().active.end = segmentRoom
	m.put("full", "small")
	if m.journal().has(plainKey(m.anna, "full")) {
		t.Error("it is in the journal")
	}
	m.journal().active.end = 0
	m.put("empty", "small")
	if !m.journal().has(plainKey(m.anna, "empty")) {
		t.Error("it is not in the journal")
	}
	m.loseAndProve()
}

// TestHalfFullSegmentDoesNotWait for others to share the flush of all files.
func TestHalfFullSegmentDoesNotWait(t *testing.T) {
	settled := make(chan struct{}, 2)
	m := newMachine(t, Options{JournalUpTo: journalSome}, func(f FileSystem) FileSystem {
		return &atSyncAll{FileSystem: f, do: func() error { settled <- struct{}{}; return nil }}
	})
	if err := m.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.store.content.(*disk).journal.active.end = segmentRoom / 2
	verifyNew(t, m.store, register(t, m.store, "anna"), "one", "small")
	<-settled
	m.stop(keepAll)
}

// TestCloseRetiresTheJournal: nothing is left to be written anew.
func TestCloseRetiresTheJournal(t *testing.T) {
	m := newJournalMachine(t, nil)
	m.put("one", "small")
	if n := m.records(); n != 1 {
		t.Errorf("%d records of one file", n)
	}
	m.must(m.store.Close())
	if n := m.records(); n != 0 {
		t.Errorf("%d records are left", n)
	}
}

// records counts those that count.
func (m *journalMachine) records() (n int) {
	m.t.Helper()
	index := &journalIndex{files: m.machine.files}
	index.once.Do(index.load)
	m.must(index.failed)
	for key := range index.places {
		_, found, err := index.read(key)
		m.must(err)
		if found {
			n++
		}
	}
	return n
}

// TestJournalIsReplayedWhereItIsNotUsedAnyMore: it was switched off.
func TestJournalIsReplayedWhereItIsNotUsedAnyMore(t *testing.T) {
	for _, durability := range []Durability{Full, Relaxed} {
		t.Run(durability.String(), func(t *testing.T) {
			m := newJournalMachine(t, nil)
			m.put("one", "small")
			m.stop(loseAll)
			m.options.JournalUpTo, m.options.Durability = 0, durability
			m.must(m.open(t.Context()))
			m.loseAndProve()
		})
	}
}

// TestFileSystemThatCannotFlushAll has no journal.
func TestFileSystemThatCannotFlushAll(t *testing.T) {
	m := newMachine(t, Options{JournalUpTo: journalSome}, func(f FileSystem) FileSystem {
		return cannotSyncAll{f}
	})
	if err := m.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m.store.content.(*disk).journal != nil {
		t.Error("it has one")
	}
	if _, err := m.files.Lstat(segmentFiles[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its file: %v", err)
	}
	m.stop(keepAll)
}

type cannotSyncAll struct{ FileSystem }

func (cannotSyncAll) SyncsAll() bool { return false }

// TestJournalOfAStoreThatIsNotServed: after a power cut, and before the next
// opening, the files of small content may be empty. Who reads gets the content all
// the same, and who checks is told what to do.
func TestJournalOfAStoreThatIsNotServed(t *testing.T) {
	ctx := t.Context()
	served := openTest(t, Options{DataDir: fastDir(t), JournalUpTo: 100, JournalPause: time.Hour,
		FileSystem: func(f FileSystem) FileSystem { return unflushedAll{f} }}) // whatever is below
	id := register(t, served, "anna")
	verifyNew(t, served, id, "one", "small")
	verifyNew(t, served, id, "two", strings.Repeat("not small", 100))

	cut := fastDir(t)
	if err := os.CopyFS(cut, os.DirFS(served.options.DataDir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(cut, filepath.FromSlash(plainKey(id, "one"))), 0); err != nil {
		t.Fatal(err)
	}
	looking, err := OpenReadOnly(ctx, Options{DataDir: cut})
	if err != nil {
		t.Fatal(err)
	}
	report, err := looking.Check(ctx, CheckOptions{Deep: true})
	if err != nil || len(report.Findings) != 1 || !strings.Contains(report.Findings[0].Detail, "start the server once") {
		t.Errorf("check: %+v, %v", report.Findings, err)
	}
	if got := contentOf(t, looking, "one"); got != "small" {
		t.Errorf("read %q", got)
	}
	if err := looking.Close(); err != nil {
		t.Error(err)
	}
	opened := openTest(t, Options{DataDir: cut})
	mustAgree(t, opened)
	if got, err := os.ReadFile(filepath.Join(cut, filepath.FromSlash(plainKey(id, "one")))); string(got) != "small" {
		t.Errorf("the file has %q, %v", got, err)
	}
}

// TestSegmentEndsWhereItIsDamaged: whatever byte is lost, what comes before it
// is read, and nothing that was not written.
func TestSegmentEndsWhereItIsDamaged(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var segment []byte
		var written [][2]string
		var ends []int
		for range rapid.IntRange(0, 5).Draw(r, "records") {
			key := rapid.StringMatching(`[a-z/]{1,20}`).Draw(r, "key")
			content := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(r, "content")
			record := make([]byte, recordSize(key, int64(len(content))))
			copy(record[recordHeader+len(key):], content)
			sealRecord(record, 7, key)
			segment = append(segment, record...)
			written = append(written, [2]string{key, string(content)})
			ends = append(ends, len(segment))
		}
		damaged := len(segment)
		if len(segment) > 0 {
			damaged = rapid.IntRange(0, len(segment)-1).Draw(r, "damaged")
			if rapid.Bool().Draw(r, "cut") {
				segment = segment[:damaged]
			} else {
				segment[damaged] ^= byte(rapid.IntRange(1, 255).Draw(r, "change"))
			}
		}
		whole := 0
		for whole < len(ends) && ends[whole] <= damaged {
			whole++
		}
		var read [][2]string
		if err := readSegment(bytes.NewReader(segment), func(b []byte, _ int64) error {
			read = append(read, [2]string{recordKey(b), string(recordContent(b))})
			return nil
		}); err != nil {
			r.Fatal(err)
		}
		if !slices.Equal(read, written[:whole]) {
			r.Fatalf("read %q of %q, damaged at %d", read, written, damaged)
		}
	})
}

func FuzzSegment(f *testing.F) {
	record := make([]byte, recordSize("key", 7))
	copy(record[recordHeader+3:], "content")
	sealRecord(record, 7, "key")
	f.Add(slices.Concat(record, record))
	f.Add(make([]byte, 100))
	f.Fuzz(func(t *testing.T, segment []byte) {
		size := 0
		if err := readSegment(bytes.NewReader(segment), func(r []byte, at int64) error {
			if at != int64(size) || len(recordKey(r))+len(recordContent(r))+recordHeader != len(r) {
				t.Errorf("a record of %d bytes at %d", len(r), at)
			}
			size += len(r)
			return nil
		}); err != nil {
			t.Error(err)
		}
		if size > len(segment) {
			t.Errorf("%d bytes of %d", size, len(segment))
		}
	})
}

// BenchmarkVerifySmall verifies 1 KiB files of new clients, 64 at once, with and
// without a journal.
func BenchmarkVerifySmall(b *testing.B) {
	for _, upTo := range []int64{0, 16 << 10} {
		b.Run(fmt.Sprintf("journal=%d", upTo), func(b *testing.B) {
			s := openTest(b, Options{DataDir: b.TempDir(), JournalUpTo: upTo})
			content := bytes.Repeat([]byte{'x'}, 1024)
			b.SetParallelism(32)
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if err := verifyOfNewClient(b.Context(), s, content); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func verifyOfNewClient(ctx context.Context, s *Store, content []byte) error {
	id, err := s.Register(ctx, temporaryName())
	if err != nil {
		return err
	}
	u, err := s.Begin(ctx, id, "file", int64(len(content)))
	if err != nil {
		return err
	}
	if _, err := u.Write(content); err != nil {
		return err
	}
	if err := u.Received(ctx, sumsOf(content)); err != nil {
		return err
	}
	return u.Verify(ctx)
}
