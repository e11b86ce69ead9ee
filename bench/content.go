package bench

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/rand/v2"
)

// corpusBytes is a prime, so that a long file does not repeat in step with the
// blocks and pieces that it is handled in.
const corpusBytes = 1<<20 + 7

// A corpus is random bytes that all files are cut from: a file begins anywhere
// in it and goes round.
type corpus []byte

func newCorpus(seed uint64) corpus {
	c := make(corpus, corpusBytes)
	_, _ = rand.NewChaCha8(sha256.Sum256(binary.LittleEndian.AppendUint64(nil, seed))).Read(c) // never fails
	return c
}

// A window is the content of one file.
type window struct {
	corpus corpus
	start  int64
	size   int64
	flip   bool // the first byte is another: the content of a damaged file
}

// ReadAt reads the content, as io.ReaderAt says.
func (w *window) ReadAt(p []byte, at int64) (n int, err error) {
	if left := w.size - at; int64(len(p)) > left {
		p, err = p[:max(left, 0)], io.EOF
	}
	for n < len(p) {
		n += copy(p[n:], w.corpus[(w.start+at+int64(n))%corpusBytes:])
	}
	if w.flip && at == 0 && n > 0 {
		p[0] ^= 0xff
	}
	return n, err
}
