package persistence

import (
	"os"
	"sync"
)

// journalIndex is where the journal of a store that is only looked at has its
// records: nobody serves it, or another process does. It is read when it is first
// asked. Nil has none.
type journalIndex struct {
	files FileSystem

	once     sync.Once
	segments [2]Handle
	places   map[string]place
	failed   error
}

type place struct {
	file       Handle
	generation uint64
	at         int64
}

func (x *journalIndex) load() {
	if x.segments, x.failed = openSegments(x.files, os.O_RDONLY); x.failed != nil {
		return
	}
	x.places = map[string]place{}
	for _, file := range x.segments {
		if file == nil {
			continue
		}
		if x.failed = readSegment(file, func(r []byte, at int64) error {
			x.places[recordKey(r)] = place{file, recordGeneration(r), at}
			return nil
		}); x.failed != nil {
			return
		}
	}
}

// read returns the content that the journal has under a key, if its record still
// counts: whoever serves the store may have retired it.
func (x *journalIndex) read(key string) (content []byte, found bool, err error) {
	if x == nil {
		return nil, false, nil
	}
	x.once.Do(x.load)
	p, known := x.places[key]
	if x.failed != nil || !known {
		return nil, false, x.failed
	}
	var first [8]byte
	if whole, err := readWhole(p.file, first[:], 0); err != nil || !whole || recordGeneration(first[:]) != p.generation {
		return nil, false, err
	}
	r, found, err := readRecord(p.file, p.at, p.generation)
	if err != nil || !found || recordKey(r) != key {
		return nil, false, err
	}
	return recordContent(r), true, nil
}

func (x *journalIndex) close() {
	if x != nil {
		_ = closeSegments(x.segments) // was only read
	}
}

// inJournal returns what the journal of a store that is only looked at has under
// a key.
func (s *Store) inJournal(key string) (content []byte, found bool, err error) {
	if disk, is := s.content.(*disk); is {
		return disk.index.read(key)
	}
	return nil, false, nil
}
