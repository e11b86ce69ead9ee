package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"

	"github.com/sealquay/sealquay/codec"
)

// A file is one that the server has acknowledged.
type file struct {
	client codec.ClientID
	number uint32 // its name is fileName(number)
	size   int64
	crc32  uint32
}

// fileBytes is the size of a file in a Ledger.
const fileBytes = 16 + 4 + 8 + 4

// A Ledger is all files that were acknowledged, in 32 bytes each: client id,
// number, size and CRC-32, little-endian.
type Ledger []byte

// Ledger returns what was acknowledged, if the plan says Remember.
func (r *Runner) Ledger() Ledger {
	files := r.recorder.files()
	l := make(Ledger, 0, len(files)*fileBytes)
	for _, f := range files {
		l = append(l, f.client[:]...)
		l = binary.LittleEndian.AppendUint32(l, f.number)
		l = binary.LittleEndian.AppendUint64(l, uint64(f.size))
		l = binary.LittleEndian.AppendUint32(l, f.crc32)
	}
	return l
}

// A StoredFile is a file that the server's storage holds.
type StoredFile struct {
	Client   codec.ClientID
	Name     string
	Size     int64
	Verified bool
	// CRC32 reads the content and computes its CRC-32 and size.
	CRC32 func() (crc uint32, size int64, err error)
}

// A Storage is the server's, as it is on disk.
type Storage interface {
	// Files returns all files that there are.
	Files(context.Context) iter.Seq2[StoredFile, error]
}

// A Verification says whether all that was acknowledged is there.
type Verification struct {
	Acknowledged int64 `json:"acknowledged"` // warm-up and grace included
	Found        int64 `json:"found"`        // with a verified row and the very content
	Missing      int64 `json:"missing"`
	Wrong        int64 `json:"wrong"` // other content, or not verified
	Bytes        int64 `json:"bytes"` // read back
	// Examples are some of what is missing or wrong.
	Examples []string `json:"examples,omitzero"`
}

// Proven reports whether all is there.
func (v *Verification) Proven() bool { return v.Found == v.Acknowledged }

const mostExamples = 10

func (v *Verification) example(format string, args ...any) {
	if len(v.Examples) < mostExamples {
		v.Examples = append(v.Examples, fmt.Sprintf(format, args...))
	}
}

type fileKey struct {
	client codec.ClientID
	name   string
}

// Verify reads a storage and looks for all that the ledgers hold. An error
// means that the storage could not be read.
func Verify(ctx context.Context, storage Storage, ledgers ...Ledger) (*Verification, error) {
	v := new(Verification)
	expected := map[fileKey]file{}
	for _, l := range ledgers {
		for f := range l.files() {
			expected[fileKey{f.client, fileName(f.number)}] = f
			v.Acknowledged++
		}
	}
	for stored, err := range storage.Files(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read the storage back: %w", err)
		}
		key := fileKey{stored.Client, stored.Name}
		if want, acknowledged := expected[key]; acknowledged {
			delete(expected, key)
			v.compare(want, stored)
		}
	}
	v.Missing = int64(len(expected))
	for key, f := range expected {
		v.example("client %v, %s of %d bytes: there is no row", key.client, key.name, f.size)
	}
	return v, nil
}

func (l Ledger) files() iter.Seq[file] {
	return func(yield func(file) bool) {
		for ; len(l) >= fileBytes; l = l[fileBytes:] {
			f := file{
				client: codec.ClientID(l[:16]),
				number: binary.LittleEndian.Uint32(l[16:]),
				size:   int64(binary.LittleEndian.Uint64(l[20:])),
				crc32:  binary.LittleEndian.Uint32(l[28:]),
			}
			if !yield(f) {
				return
			}
		}
	}
}

func (v *Verification) compare(want file, stored StoredFile) {
	crc, size, err := stored.CRC32()
	v.Bytes += size
	switch {
	case err != nil:
		v.example("client %v, %s: %v", want.client, stored.Name, err)
	case !stored.Verified:
		v.example("client %v, %s: its row is not verified", want.client, stored.Name)
	case stored.Size != want.size || size != want.size || crc != want.crc32:
		v.example("client %v, %s: %d bytes with CRC-32 %08x (the row says %d), acknowledged were %d with %08x",
			want.client, stored.Name, size, crc, stored.Size, want.size, want.crc32)
	default:
		v.Found++
		return
	}
	v.Wrong++
}
