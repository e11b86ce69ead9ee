package logs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// bufferSize is how much is read at once, and how long a line may be that costs no copy.
const bufferSize = 256 << 10

// maxLine is how much of a longer line is kept, in bytes. The server's lines are far shorter.
const maxLine = 4 << 20

// A source is one file or stream, read line by line.
type source struct {
	name   string
	reader *bufio.Reader
	closer io.Closer
	tail   *tail // not nil: more may come

	number  int
	partial []byte    // the beginning of a line that is not complete
	line    []byte    // the current line
	at      time.Time // when it was written; that of the line before if it does not say so
	timed   bool      // at is wanted
	scratch Line
}

// openFile opens a plain or compressed file.
func openFile(name string) (*source, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	s, err := newSource(name, file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	closer := s.closer
	s.closer = closeAll{closer, file}
	return s, nil
}

// closeAll closes several things.
type closeAll []io.Closer

func (c closeAll) Close() (err error) {
	for _, each := range c {
		if each != nil {
			err = errors.Join(err, each.Close())
		}
	}
	return err
}

var (
	gzipMagic = []byte{0x1f, 0x8b}             // RFC 1952, section 2.3.1
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd} // RFC 8878, section 3.1.1
)

// newSource reads from r, whatever it is compressed with.
func newSource(name string, r io.Reader) (*source, error) {
	plain := bufio.NewReaderSize(r, bufferSize)
	magic, _ := plain.Peek(len(zstdMagic)) // a shorter file is not compressed
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		unpacked, err := gzip.NewReader(plain)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return &source{name: name, reader: bufio.NewReaderSize(unpacked, bufferSize), closer: unpacked}, nil
	case bytes.HasPrefix(magic, zstdMagic):
		unpacked, err := zstd.NewReader(plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return &source{name: name, reader: bufio.NewReaderSize(unpacked, bufferSize), closer: unpacked.IOReadCloser()}, nil
	}
	return &source{name: name, reader: plain}, nil
}

// next reads the next line into s.line. It returns false at the end, and where more may come later.
func (s *source) next() (bool, error) {
	for {
		chunk, err := s.reader.ReadSlice('\n')
		switch {
		case err == nil:
			s.take(bytes.TrimSuffix(chunk, newline))
			return true, nil
		case errors.Is(err, bufio.ErrBufferFull):
			s.keep(chunk)
		case errors.Is(err, io.EOF):
			s.keep(chunk)
			if len(s.partial) == 0 || s.tail != nil && !s.tail.ended() {
				return false, nil
			}
			s.take(nil)
			return true, nil
		default:
			return false, fmt.Errorf("%s: %w", s.name, err)
		}
	}
}

var newline = []byte{'\n'}

// keep stores the beginning of a line.
func (s *source) keep(chunk []byte) {
	s.partial = append(s.partial, chunk[:min(len(chunk), maxLine-len(s.partial))]...)
}

// take makes what was kept and rest the current line.
func (s *source) take(rest []byte) {
	s.line = rest
	if len(s.partial) > 0 {
		s.keep(rest)
		s.line, s.partial = s.partial, nil
	}
	s.line = bytes.TrimSuffix(s.line, []byte{'\r'})
	s.number++
	if !s.timed {
		return
	}
	s.scratch.reset(s.line, s.name, s.number)
	if at, ok := s.scratch.Time(); ok {
		s.at = at
	}
}

func (s *source) close() error {
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}
