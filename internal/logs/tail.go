package logs

import (
	"errors"
	"io"
	"os"
)

// A tail reads a file that grows, under its name: when the name stands for another file, it goes on there once the
// old one is read to its end. Read returns io.EOF when there is nothing more now.
type tail struct {
	name   string
	file   *os.File
	offset int64
	next   *os.File // the file that has the name now
	turn   bool     // the old file is at its end, and its last line is complete
}

func openTail(name string) (*source, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	t := &tail{name: name, file: file}
	s, err := newSource(name, t)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s.closer = closeAll{s.closer, t}
	s.tail = t
	return s, nil
}

// Read reads what is there.
func (t *tail) Read(p []byte) (int, error) {
	if t.turn {
		if err := t.takeOver(); err != nil {
			return 0, err
		}
	}
	n, err := t.file.Read(p)
	t.offset += int64(n)
	if n > 0 || err != nil && !errors.Is(err, io.EOF) {
		return n, err
	}
	if t.next != nil {
		t.turn = true
		return 0, io.EOF
	}
	if err := t.look(); err != nil {
		return 0, err
	}
	return 0, io.EOF
}

// look finds out whether the name stands for another file, or the file was cut.
func (t *tail) look() error {
	now, err := os.Stat(t.name)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it is being rotated
	}
	if err != nil {
		return err
	}
	old, err := t.file.Stat()
	if err != nil {
		return err
	}
	switch {
	case !os.SameFile(old, now):
		t.next, err = os.Open(t.name)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
	case now.Size() < t.offset:
		t.offset, err = t.file.Seek(0, io.SeekStart)
	}
	return err
}

// ended tells whether the file read so far is at its end for good.
func (t *tail) ended() bool { return t.turn }

// takeOver goes on with the next file.
func (t *tail) takeOver() error {
	err := t.file.Close()
	t.file, t.next, t.offset, t.turn = t.next, nil, 0, false
	return err
}

// Close closes the files.
func (t *tail) Close() error {
	err := t.file.Close()
	if t.next != nil {
		err = errors.Join(err, t.next.Close())
	}
	return err
}
