package main

import (
	"path"
	"strings"

	"github.com/sealquay/sealquay/persistence"
)

// mutant is a store with one thing left out that a commit rests on. The proof
// must fail with it.
type mutant struct {
	name  string
	apply func(*persistence.Options)
	// hidden says why ext4 makes up for what is left out, so that no power cut
	// on it shows the lack.
	hidden string
}

// mutants are the steps of a commit (package persistence, "What verified
// means"), each left out in turn: those without the journal, then those with it.
func mutants() []mutant {
	return []mutant{
		{name: "flush of the content", apply: withoutJournal(func(f persistence.FileSystem) persistence.FileSystem { return unflushed{f} })},
		{name: "link to the final name", apply: withoutJournal(func(f persistence.FileSystem) persistence.FileSystem { return unlinked{f} })},
		{name: "flush of the client's directory", apply: withoutJournal(func(f persistence.FileSystem) persistence.FileSystem { return unsynced{f, 1} })},
		{name: "flush of the entry of that directory", apply: withoutJournal(func(f persistence.FileSystem) persistence.FileSystem { return unsynced{f, 0} }),
			hidden: "ext4 commits the entry of a new directory with the directory"},
		{name: "flush of the commit of the rows", apply: func(o *persistence.Options) {
			o.Durability = persistence.Relaxed
			o.FileSystem = func(f persistence.FileSystem) persistence.FileSystem { return eager{f} }
		}},
		{name: "removal of replaced content", apply: withoutJournal(func(f persistence.FileSystem) persistence.FileSystem { return unremoved{f} })},
		{name: "every flush (durability: relaxed)", apply: func(o *persistence.Options) { o.Durability = persistence.Relaxed }},
		{name: "flush of the journal", apply: withJournal(func(f persistence.FileSystem) persistence.FileSystem { return unflushedHandles{f} })},
		{name: "flush of all files", apply: withJournal(func(f persistence.FileSystem) persistence.FileSystem { return unflushedAll{f} })},
		{name: "replacement by the journal", apply: withJournal(func(f persistence.FileSystem) persistence.FileSystem { return unreplaced{f} })},
	}
}

// correct is the store as it is.
const correct = ""

// mutate applies a mutant by its name.
func mutate(o *persistence.Options, name string) {
	for _, m := range mutants() {
		if m.name == name {
			m.apply(o)
		}
	}
}

func withJournal(wrap func(persistence.FileSystem) persistence.FileSystem) func(*persistence.Options) {
	return func(o *persistence.Options) { o.FileSystem = wrap }
}

func withoutJournal(wrap func(persistence.FileSystem) persistence.FileSystem) func(*persistence.Options) {
	return func(o *persistence.Options) { o.FileSystem, o.JournalUpTo = wrap, 0 }
}

// unflushedHandles leaves out Handle.Sync.
type unflushedHandles struct{ persistence.FileSystem }

func (u unflushedHandles) OpenFile(name string, flag int) (persistence.Handle, error) {
	file, err := u.FileSystem.OpenFile(name, flag)
	return unflushedHandle{file}, err
}

type unflushedHandle struct{ persistence.Handle }

func (unflushedHandle) Sync() error { return nil }

// unflushedAll leaves out SyncAll.
type unflushedAll struct{ persistence.FileSystem }

func (unflushedAll) SyncAll() error { return nil }

// unreplaced leaves out Temp.Replace.
type unreplaced struct{ persistence.FileSystem }

func (u unreplaced) Temp() (persistence.Temp, error) {
	temp, err := u.FileSystem.Temp()
	return unreplacedTemp{temp}, err
}

type unreplacedTemp struct{ persistence.Temp }

func (unreplacedTemp) Replace(string) error { return nil }

// unflushed leaves out Temp.Sync.
type unflushed struct{ persistence.FileSystem }

func (u unflushed) Temp() (persistence.Temp, error) {
	temp, err := u.FileSystem.Temp()
	return unflushedTemp{temp}, err
}

type unflushedTemp struct{ persistence.Temp }

func (unflushedTemp) Sync() error { return nil }

// unlinked leaves out Temp.Link.
type unlinked struct{ persistence.FileSystem }

func (u unlinked) Temp() (persistence.Temp, error) {
	temp, err := u.FileSystem.Temp()
	return unlinkedTemp{temp}, err
}

type unlinkedTemp struct{ persistence.Temp }

func (unlinkedTemp) Link(string) error { return nil }

// unsynced leaves out SyncDir at one depth.
type unsynced struct {
	persistence.FileSystem
	depth int
}

func (u unsynced) SyncDir(name string) error {
	if name != "." && strings.Count(name, "/") == u.depth {
		return nil
	}
	return u.FileSystem.SyncDir(name)
}

// unremoved leaves out Remove.
type unremoved struct{ persistence.FileSystem }

func (unremoved) Remove(string) error { return nil }

// eager flushes content and directories for a relaxed store, which does not:
// what is left unflushed are its rows.
type eager struct{ persistence.FileSystem }

func (e eager) Temp() (persistence.Temp, error) {
	temp, err := e.FileSystem.Temp()
	return eagerTemp{temp, e.FileSystem}, err
}

type eagerTemp struct {
	persistence.Temp
	fs persistence.FileSystem
}

func (t eagerTemp) Link(name string) error {
	if err := t.Temp.Sync(); err != nil {
		return err
	}
	if err := t.Temp.Link(name); err != nil {
		return err
	}
	directory := path.Dir(name)
	if err := t.fs.SyncDir(directory); err != nil {
		return err
	}
	return t.fs.SyncDir(path.Dir(directory))
}
