package client

import (
	"context"
	"fmt"
	"io"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/crypt"
)

// The steps of Send, one by one, for a program that decides between them, such
// as a load generator. What is said of errors there holds here.

// A Verdict is what can be said of a file that a server has received.
type Verdict struct {
	Sent crypt.Sums // the checksums of what was sent
	CRC  uint32     // what the server computed
}

// Undamaged reports whether the server's CRC is one of what was sent.
func (v Verdict) Undamaged() bool {
	_, same := agreed(v.Sent, v.CRC)
	return same
}

// Upload sends a file once (1103). Accept or Reject follows, whatever the CRC.
func (s *Session) Upload(ctx context.Context, f File) (Verdict, error) {
	if err := s.check(f); err != nil {
		return Verdict{}, err
	}
	defer s.watch(ctx)()
	sums, crc, err := s.upload(ctx, f, func(int64) {})
	return Verdict{Sent: sums, CRC: crc}, err
}

// A Sealed content is encrypted for the AES key of one session, until its next
// ExchangeKey, and can be sent any number of times.
type Sealed struct {
	size    int64 // before encryption
	content []byte
	sums    crypt.Sums
}

// Size returns the size before encryption, in bytes.
func (c *Sealed) Size() int64 { return c.size }

// Seal encrypts a content of the given size in memory. The errors are
// ErrNotKeyed, ErrTooLarge and ErrFile.
func (s *Session) Seal(content io.ReaderAt, size int64) (*Sealed, error) {
	if err := s.check(File{Name: "-", Size: size}); err != nil {
		return nil, err
	}
	sealed := make([]byte, crypt.SealedSize(uint64(size)))
	if n, err := content.ReadAt(sealed[:size], 0); int64(n) < size {
		return nil, &Error{Problem: ErrFile, Detail: fmt.Sprintf("%d of %d bytes", n, size), Cause: err}
	}
	sealer := crypt.NewSealer(&s.key)
	defer sealer.Wipe()
	sealer.SealLast(sealed, sealed[:size])
	return &Sealed{size: size, content: sealed, sums: sealer.Sums()}, nil
}

// UploadSealed is Upload for a content that is encrypted already.
func (s *Session) UploadSealed(ctx context.Context, name string, c *Sealed) (Verdict, error) {
	if err := s.check(File{Name: name, Size: c.size}); err != nil {
		return Verdict{}, err
	}
	defer s.watch(ctx)()
	s.prepare(name, c.size)
	if err := s.sendSealed(ctx, c.content); err != nil {
		return Verdict{}, err
	}
	crc, err := s.received(ctx, name)
	return Verdict{Sent: c.sums, CRC: crc}, err
}

// sendSealed sends the request with the start of the content in one write, then
// the rest in pieces.
func (s *Session) sendSealed(ctx context.Context, content []byte) error {
	head, err := s.sendHead(ctx)
	if err != nil {
		return err
	}
	buffer := smallBuffers.Get().(*[]byte)
	defer smallBuffers.Put(buffer)
	start := copy(*buffer, head)
	n := copy((*buffer)[start:], content)
	for next := (*buffer)[:start+n]; len(next) > 0; {
		if err := s.put(ctx, piece{data: next}, nil); err != nil {
			return err
		}
		content = content[n:]
		n = min(len(content), largeBuffer)
		next = content[:n]
	}
	return nil
}

// Accept says that the CRC is right (1104). Its answer means that the file is
// safe.
func (s *Session) Accept(ctx context.Context, name string) error {
	if s.err != nil {
		return s.err
	}
	defer s.watch(ctx)()
	return s.accept(ctx, []byte(name))
}

// Reject says that the CRC is wrong and that the file comes again (1105).
func (s *Session) Reject(ctx context.Context, name string) error {
	if s.err != nil {
		return s.err
	}
	defer s.watch(ctx)()
	return s.reject(ctx, []byte(name))
}

// Reconnect closes the connection and connects again, with the same options. The
// id, the AES key and the dialect stay: a server takes them from any connection
// (protocol section 3, row 7). After an error the session has ended.
func (s *Session) Reconnect(ctx context.Context) error {
	if s.err != nil {
		return s.err
	}
	if err := s.conn.Close(); err != nil {
		return s.fail(&Error{Problem: ErrConnection, Cause: err})
	}
	next, err := Dial(ctx, s.options)
	if err != nil {
		return s.fail(err)
	}
	s.conn, s.decoder, s.unread = next.conn, codec.ResponseDecoder{}, nil
	return nil
}
