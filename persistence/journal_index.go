package persistence

import (
	"errors"
	"os"
)

// journalIndex is where the journal of a store that is only looked at has its
// records: nobody serves it, or another process does.
type journalIndex struct {
	segments [2]Handle
	places   map[string]place
}

type place struct {
	file       Handle
	generation uint64
	at         int64
}

func readIndex(files FileSystem) (x journalIndex, err error) {
	if x.segments, err = openSegments(files, os.O_RDONLY); err != nil {
		return x, err
	}
	x.places = map[string]place{}
	for _, file := range x.segments {
		if file == nil {
			continue
		}
		if err := readSegment(file, func(r []byte, at int64) error {
			x.places[recordKey(r)] = place{file, recordGeneration(r), at}
			return nil
		}); err != nil {
			return x, errors.Join(err, x.close())
		}
	}
	return x, nil
}

// read returns the content that the journal has under a key, if its record still
// counts: whoever serves the store may have retired it.
func (x journalIndex) read(key string) (content []byte, found bool, err error) {
	p, known := x.places[key]
	if !known {
		return nil, false, nil
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

func (x journalIndex) close() error { return closeSegments(x.segments) }
