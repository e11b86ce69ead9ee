package client

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/crypt"
)

// Content passes through buffers of one of two sizes. A file that fits into one
// with its request goes out in one write, on the caller's goroutine.
const (
	smallBuffer = 16 << 10
	largeBuffer = 256 << 10
)

var (
	smallBuffers = sync.Pool{New: func() any { b := make([]byte, smallBuffer); return &b }}
	largeBuffers = sync.Pool{New: func() any { b := make([]byte, largeBuffer); return &b }}
)

// stream sends the request that is in s.request and the sealed content of f. It
// returns the checksums of the file.
func (s *Session) stream(ctx context.Context, f File, progress func(int64)) (crypt.Sums, error) {
	head, err := s.sendHead(ctx)
	if err != nil {
		return crypt.Sums{}, err
	}
	if s.sealer == nil {
		s.sealer = crypt.NewSealer(&s.key)
	} else {
		s.sealer.Reset(&s.key)
	}
	defer s.sealer.Wipe()
	progress(0)
	err = s.send(ctx, &sealing{file: f, sealer: s.sealer, head: head}, progress)
	return s.sealer.Sums(), err
}

// sendHead returns the head that is to go out with the content: none in the
// seed's dialect, where it goes first and alone.
func (s *Session) sendHead(ctx context.Context) ([]byte, error) {
	if s.dialect != codec.Seed {
		return s.request, nil
	}
	if err := s.write(ctx, codec.CodeEncryptedFile, s.request); err != nil {
		return nil, err
	}
	return nil, s.letArrive(ctx, codec.CodeEncryptedFile)
}

// send writes everything that source makes, in the smallest way that holds it.
func (s *Session) send(ctx context.Context, source *sealing, progress func(int64)) error {
	buffers := &smallBuffers
	if total := int64(len(source.head)) + int64(s.sent.ContentSize); total > smallBuffer {
		buffers = &largeBuffers
		if total > largeBuffer {
			return s.pump(ctx, source, progress)
		}
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	return s.put(ctx, source.next(*buffer), progress)
}

// pump reads and seals one piece while the one before is written. It holds
// three large buffers.
func (s *Session) pump(ctx context.Context, source *sealing, progress func(int64)) error {
	pieces := make(chan piece, 1)
	stop := make(chan struct{})
	go source.run(pieces, stop)
	var err error
	for p := range pieces {
		if err == nil {
			if err = s.put(ctx, p, progress); err != nil {
				close(stop)
			}
		}
		largeBuffers.Put(p.buffer)
	}
	return err
}

// put writes a piece, or ends the session with its error: the server waits for
// content that will not come.
func (s *Session) put(ctx context.Context, p piece, progress func(int64)) error {
	if p.err != nil {
		return s.fail(p.err)
	}
	if readable(s.conn) {
		return s.answeredEarly(ctx)
	}
	if err := s.write(ctx, codec.CodeEncryptedFile, p.data); err != nil {
		return err
	}
	if p.sent > 0 {
		progress(p.sent)
	}
	return nil
}

// answeredEarly ends the session: the server has answered, or closed, before
// all content was sent, and waits for the rest of it.
func (s *Session) answeredEarly(ctx context.Context) error {
	_, err := answer[codec.FileReceived](ctx, s, codec.CodeEncryptedFile)
	if err == nil {
		return s.violated(codec.CodeEncryptedFile, "it was answered before all of it was sent")
	}
	return s.fail(err)
}

// A piece is a part of what is sent for a file.
type piece struct {
	buffer *[]byte // of the pool, with pump
	data   []byte  // a part of the buffer
	sent   int64   // bytes of the file up to here
	last   bool
	err    error
}

// A sealing reads a file piece by piece and seals it, behind a head.
type sealing struct {
	head   []byte
	file   File
	at     int64
	sealer *crypt.Sealer
}

// run makes pieces until the last one, an error or stop, then closes pieces.
func (r *sealing) run(pieces chan<- piece, stop <-chan struct{}) {
	defer close(pieces)
	for {
		buffer := largeBuffers.Get().(*[]byte)
		p := r.next(*buffer)
		p.buffer = buffer
		select {
		case pieces <- p:
			if p.last || p.err != nil {
				return
			}
		case <-stop:
			largeBuffers.Put(buffer)
			return
		}
	}
}

// next makes a piece in buffer: a whole number of blocks, of which the last
// piece's last one is or holds the padding.
func (r *sealing) next(buffer []byte) piece {
	start := copy(buffer, r.head)
	r.head = nil
	room, left := int64(len(buffer)-start)&^15, r.file.Size-r.at
	last := left < room
	plain := buffer[start:][:min(room, left)]
	if err := r.read(plain); err != nil {
		return piece{err: err}
	}
	end := start + len(plain)
	if last {
		if err := r.checkEnd(buffer[end : end+1]); err != nil {
			return piece{err: err}
		}
		end = start + r.sealer.SealLast(buffer[start:], plain)
	} else {
		r.sealer.Seal(plain, plain)
	}
	return piece{data: buffer[:end], sent: r.at, last: last}
}

// read fills p with the next bytes of the file.
func (r *sealing) read(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	n, err := r.file.Content.ReadAt(p, r.at)
	r.at += int64(n)
	switch {
	case n == len(p):
		return nil
	case err == io.EOF:
		return r.changed("only %d of %d bytes are left", r.at, r.file.Size)
	}
	return &Error{Problem: ErrFile, Request: codec.CodeEncryptedFile, Cause: err}
}

// checkEnd makes sure, before the end is sent, that the file still ends there.
func (r *sealing) checkEnd(scratch []byte) error {
	n, err := r.file.Content.ReadAt(scratch, r.file.Size)
	switch {
	case n > 0:
		return r.changed("it has more than %d bytes now", r.file.Size)
	case err == io.EOF:
		return nil
	}
	return &Error{Problem: ErrFile, Request: codec.CodeEncryptedFile, Cause: err}
}

func (r *sealing) changed(format string, args ...any) error {
	return &Error{
		Problem: ErrFileChanged,
		Request: codec.CodeEncryptedFile,
		Detail:  fmt.Sprintf("%q: ", r.file.Name) + fmt.Sprintf(format, args...),
	}
}
