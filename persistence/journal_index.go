package persistence

import "os"

// journalIndex is where the journal of a store that is not served, or that
// another process serves, has its records.
type journalIndex map[string]place

type place struct {
	file       Handle
	generation uint64
	at         int64
}

func readIndex(files FileSystem) (journalIndex, error) {
	segments, err := openSegments(files, os.O_RDONLY)
	index := journalIndex{}
	for _, file := range segments {
		if file == nil || err != nil {
			continue
		}
		err = readSegment(file, func(r []byte, at int64) error {
			index[recordKey(r)] = place{file, recordGeneration(r), at}
			return nil
		})
	}
	return index, err
}

// read returns the content that the journal has under a key, if its record still
// counts: whoever serves the store may have retired it.
func (x journalIndex) read(key string) (content []byte, found bool, err error) {
	p, known := x[key]
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
