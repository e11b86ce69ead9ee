package persistence

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// A record is, with numbers of the least significant byte first:
//
//	 0  generation, 8 bytes
//	 8  length of the key, 4 bytes
//	12  length of the content, 4 bytes
//	16  CRC-32C of all the rest, 4 bytes
//	20  the key, then the content
//
// A segment holds records of one generation from its beginning on. It ends where
// there is none of the generation of the first, or none that is whole.
const recordHeader = 20

const (
	// maxKey is the longest key in bytes: a folder, a client's id, a name.
	maxKey = 10 + 33 + maxEntry
	// maxJournaled is the largest content that a record may have, in bytes.
	maxJournaled = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func recordSize(key string, size int64) int { return recordHeader + len(key) + int(size) }

// sealRecord fills in all of a record but its content.
func sealRecord(r []byte, generation uint64, key string) {
	binary.LittleEndian.PutUint64(r, generation)
	binary.LittleEndian.PutUint32(r[8:], uint32(len(key)))
	binary.LittleEndian.PutUint32(r[12:], uint32(len(r)-recordHeader-len(key)))
	copy(r[recordHeader:], key)
	binary.LittleEndian.PutUint32(r[16:], recordSum(r))
}

func recordSum(r []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, r[:16]), castagnoli, r[recordHeader:])
}

// readRecord reads a record of a generation, or of any for 0. It reports false
// where there is no whole one.
func readRecord(file io.ReaderAt, at int64, generation uint64) (r []byte, found bool, err error) {
	var header [recordHeader]byte
	if whole, err := readWhole(file, header[:], at); err != nil || !whole {
		return nil, false, err
	}
	own := binary.LittleEndian.Uint64(header[:])
	key, content := binary.LittleEndian.Uint32(header[8:]), binary.LittleEndian.Uint32(header[12:])
	if own == 0 || generation != 0 && own != generation || key > maxKey || content > maxJournaled {
		return nil, false, nil
	}
	r = make([]byte, recordHeader+int(key)+int(content))
	if whole, err := readWhole(file, r, at); err != nil || !whole {
		return nil, false, err
	}
	return r, binary.LittleEndian.Uint32(r[16:]) == recordSum(r), nil
}

// readWhole fills p, and reports false at the end of the file.
func readWhole(file io.ReaderAt, p []byte, at int64) (bool, error) {
	n, err := file.ReadAt(p, at)
	if n == len(p) {
		return true, nil
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return false, err
}

func recordGeneration(r []byte) uint64 { return binary.LittleEndian.Uint64(r) }

func recordKey(r []byte) string {
	return string(r[recordHeader : recordHeader+binary.LittleEndian.Uint32(r[8:])])
}

func recordContent(r []byte) []byte { return r[recordHeader+binary.LittleEndian.Uint32(r[8:]):] }

// readSegment visits the records of a segment, and where each is.
func readSegment(file io.ReaderAt, visit func(r []byte, at int64) error) error {
	var generation uint64
	for at := int64(0); ; {
		r, found, err := readRecord(file, at, generation)
		if err != nil || !found {
			return err
		}
		if err := visit(r, at); err != nil {
			return err
		}
		generation = recordGeneration(r)
		at += int64(len(r))
	}
}

// retire durably makes the records of a segment count no more.
func retire(file Handle) error {
	if _, err := file.WriteAt(make([]byte, 8), 0); err != nil {
		return err
	}
	return file.Sync()
}
