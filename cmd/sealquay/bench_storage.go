package main

import (
	"context"
	"hash/crc32"
	"io"
	"iter"
	"os"

	"github.com/sealquay/sealquay/bench"
	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/persistence"
)

// verifyStorage reads back what a server has stored, whether it runs or not.
func verifyStorage(ctx context.Context, dir string, ledgers []bench.Ledger) (*bench.Verification, error) {
	store, err := persistence.OpenReadOnly(ctx, persistence.Options{DataDir: dir})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return bench.Verify(ctx, benchStorage{store, root}, ledgers...)
}

// benchStorage is a server's storage as package bench looks at it.
type benchStorage struct {
	store *persistence.Store
	root  *os.Root
}

func (s benchStorage) Files(ctx context.Context) iter.Seq2[bench.StoredFile, error] {
	return func(yield func(bench.StoredFile, error) bool) {
		for row, err := range s.store.Files(ctx, persistence.FileFilter{}) {
			stored := bench.StoredFile{
				Client:   codec.ClientID(row.ID),
				Name:     row.FileName,
				Size:     row.Size,
				Verified: row.Verified,
				CRC32:    func() (uint32, int64, error) { return s.read(row.PathName) },
			}
			if !yield(stored, err) {
				return
			}
		}
	}
}

// read returns the CRC-32 and the size of a content.
func (s benchStorage) read(path string) (uint32, int64, error) {
	f, err := s.root.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	sum := crc32.NewIEEE()
	n, err := io.Copy(sum, f)
	return sum.Sum32(), n, err
}
