package handlers

import (
	"context"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

// crcValidation handles 1104, 1105 and 1106: the client's verdict on a file.
func (s *Session) crcValidation(ctx context.Context, f codec.Frame) Answer {
	m, err := codec.ParseCRCValidation(f)
	if err != nil {
		return s.refuse(logging.FileNameNotTerminated)
	}
	s.request.client = f.Header.ClientID
	name, why := fileName(m.FileName)
	if why != "" {
		return s.refuse(why)
	}
	s.request.file = name
	if m.ClientID != f.Header.ClientID {
		return s.refuse(logging.ClientMismatch)
	}
	if why := s.identify(ctx, m.ClientID); why != "" {
		return s.refuse(why)
	}
	s.Store.Touch(persistence.ClientID(m.ClientID))
	if m.Verdict == codec.CodeValidCRC {
		return s.validCRC(ctx, name)
	}
	return s.invalidCRC(name, m.Verdict, f.Dialect)
}

// validCRC handles 1104. Its 2104 is the promise: the content is on stable
// storage, the row is committed, Verified is 1.
func (s *Session) validCRC(ctx context.Context, name string) Answer {
	f := s.client.accept(s, name)
	if f == nil {
		return s.refuse(logging.NothingReceived)
	}
	if !f.genuine {
		s.discard(f)
		return s.refuse(logging.Undecryptable)
	}
	if err := f.upload.Verify(ctx); err != nil {
		s.discard(f)
		return s.fail(err)
	}
	s.settled(f)
	s.counters.verified.Add(1)
	s.counters.stored.Add(f.size)
	s.request.size, s.request.checksum = f.size, f.kind
	if s.client.verified(f, s.Checksum) {
		s.remember(ctx, f)
	}
	s.logVerified(f)
	return Answer{Response: codec.Acknowledged{}}
}

// remember stores the client's kind of CRC. The file is safe in any case.
func (s *Session) remember(ctx context.Context, f *file) {
	if err := s.Store.SetChecksum(ctx, persistence.ClientID(s.client.id), f.kind.String()); err != nil {
		s.logFault(err)
		return
	}
	s.logChecksum(f.kind)
}

// invalidCRC handles 1105 and 1106: the rejected copy is removed. The seed's
// client does not wait for an answer to 1105.
func (s *Session) invalidCRC(name string, verdict codec.Code, d codec.Dialect) Answer {
	final := verdict == codec.CodeGiveUp
	f, known := s.client.reject(s, name, final)
	if !known {
		return s.refuse(logging.NothingReceived)
	}
	if f != nil {
		s.counters.rejected.Add(1)
		s.discard(f)
		s.logRejected(f, final)
	}
	if d == codec.Seed && !final {
		return Answer{More: true, Patience: s.VerifyTimeout, Reason: logging.VerifyTimeout}
	}
	return Answer{Response: codec.Acknowledged{}, More: !final}
}
