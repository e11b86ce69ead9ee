package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/crypt"
)

// A File is what Send sends.
type File struct {
	// Name is the name to be stored under, without a path: 1 to 254 bytes of
	// UTF-8, or 250 in the seed's dialect.
	Name string
	// Size is its size in bytes, 0 to codec.MaxPlainSize.
	Size int64
	// Content is read from 0 to Size once for each try, in order, from one
	// goroutine at a time, which may be another than the caller's.
	Content io.ReaderAt
}

// A Receipt is the acknowledgement of a file by a server.
type Receipt struct {
	Name     string
	Size     int64
	CRC      uint32 // of the file, as client and server computed it
	Checksum string // its kind: crc32 or cksum
	Tries    int    // how often the file was sent: 1 to 4
}

// Send sends a file until the server has received it undamaged and
// acknowledges it (1103 to 1106, protocol section 1). Progress, if it is not
// nil, is told how many of the file's bytes are sent, from 0 again at each try.
//
// ErrTooLarge, ErrName and ErrNotKeyed come before anything is sent. After
// ErrRefused the session can go on, unless the refusal came in the middle of
// the content; after ErrChecksum it needs another ExchangeKey, or has ended in
// the seed's dialect. After any other error it has ended. Usable tells.
func (s *Session) Send(ctx context.Context, f File, progress func(sent int64)) (Receipt, error) {
	if err := s.check(f); err != nil {
		return Receipt{}, err
	}
	if progress == nil {
		progress = func(int64) {}
	}
	defer s.watch(ctx)()
	name := []byte(f.Name)
	for try := 1; ; try++ {
		sums, received, err := s.upload(ctx, f, progress)
		if err != nil {
			return Receipt{}, err
		}
		if kind, same := agreed(sums, received); same {
			if err := s.accept(ctx, name); err != nil {
				return Receipt{}, err
			}
			return Receipt{Name: f.Name, Size: f.Size, CRC: received, Checksum: kind.String(), Tries: try}, nil
		}
		if try == s.mostTries() {
			return Receipt{}, s.giveUp(ctx, name, try)
		}
		if err := s.reject(ctx, name); err != nil {
			return Receipt{}, err
		}
	}
}

// check refuses what cannot be sent before anything is.
func (s *Session) check(f File) error {
	switch {
	case s.err != nil:
		return s.err
	case !s.keyed:
		return &Error{Problem: ErrNotKeyed}
	case f.Size < 0 || f.Size > codec.MaxPlainSize:
		return tooLarge(f.Name, f.Size)
	}
	return checkName(s.wireName(f.Name))
}

func tooLarge(name string, size int64) error {
	return &Error{Problem: ErrTooLarge, Detail: fmt.Sprintf("%q has %d bytes", name, size)}
}

// wireName returns the file's name as a 1103 has it.
func (s *Session) wireName(name string) string {
	if s.dialect == codec.Seed {
		return name + encryptedSuffix
	}
	return name
}

// agreed reports whether the server's CRC is one of ours, and which.
func agreed(sums crypt.Sums, received uint32) (crypt.Kind, bool) {
	for _, kind := range []crypt.Kind{crypt.CRC32, crypt.Cksum} {
		if sums.Of(kind) == received {
			return kind, true
		}
	}
	return 0, false
}

// upload sends the file once and returns our checksums and the server's CRC.
func (s *Session) upload(ctx context.Context, f File, progress func(int64)) (crypt.Sums, uint32, error) {
	s.prepare(f.Name, f.Size)
	sums, err := s.stream(ctx, f, progress)
	if err != nil {
		return sums, 0, err
	}
	crc, err := s.received(ctx, f.Name)
	return sums, crc, err
}

// prepare makes the 1103 for a file.
func (s *Session) prepare(name string, size int64) {
	s.sent = codec.EncryptedFile{
		ClientID:    s.id,
		ContentSize: uint32(crypt.SealedSize(uint64(size))),
		FileName:    []byte(s.wireName(name)),
	}
	s.request = codec.AppendRequest(s.request[:0], s.dialect, s.id, s.sent)
	s.began = time.Now()
}

// received waits for the 2103 and returns its CRC.
func (s *Session) received(ctx context.Context, name string) (uint32, error) {
	response, err := answer[codec.FileReceived](ctx, s, codec.CodeEncryptedFile)
	if err == nil {
		err = s.checkReceived(name, response)
	}
	return response.Cksum, err
}

// checkReceived holds the response against the request that it repeats.
func (s *Session) checkReceived(name string, r codec.FileReceived) error {
	switch {
	case r.ClientID != s.id:
		return s.violated(codec.CodeEncryptedFile, "the response is for the client %v, not %v", r.ClientID, s.id)
	case r.ContentSize != s.sent.ContentSize:
		return s.violated(codec.CodeEncryptedFile, "the response is for %d bytes of content, not %d", r.ContentSize, s.sent.ContentSize)
	case !bytes.Equal(r.FileName, s.sent.FileName) && string(r.FileName) != name:
		return s.violated(codec.CodeEncryptedFile, "the response is for the file %q, not %q", r.FileName, s.sent.FileName)
	}
	return nil
}
