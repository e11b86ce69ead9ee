package handlers

import (
	"time"

	"go.uber.org/zap"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/crypt"
	"github.com/sealquay/sealquay/internal/logging"
)

// A record collects what the log says of one request.
type record struct {
	frame    codec.Frame // without its payload
	arrived  time.Time
	started  time.Time
	client   codec.ClientID
	name     string
	file     string
	size     int64
	bytesIn  int64 // of content
	checksum crypt.Kind
	reason   logging.Reason
}

func (s *Session) begin(r Request) {
	s.requests++
	s.request = record{frame: r.Frame, arrived: r.Arrived, started: time.Now()}
	s.request.frame.Payload = nil
}

// done counts the request and writes its line.
func (s *Session) done(a Answer) {
	q := &s.request
	duration := time.Since(q.arrived)
	s.counters.request(q, status(a), duration)
	kept := s.fields.Get().(*[]zap.Field)
	defer s.fields.Put(kept)
	fields := append((*kept)[:0],
		logging.ConnID(s.conn.ID),
		logging.RequestID(s.requests),
		logging.ClientIP(s.conn.Remote.Addr()),
		logging.Op(operation(q.frame.Header.Code)),
		logging.OpCode(uint16(q.frame.Header.Code)),
		logging.Status(status(a)),
		logging.Dialect(q.frame.Dialect.String()),
		logging.TLS(s.conn.TLS),
		logging.BytesIn(q.bytesIn),
		logging.QueueWait(q.started.Sub(q.arrived)),
		logging.Duration(duration),
	)
	if q.client != (codec.ClientID{}) {
		fields = append(fields, logging.ClientID(q.client))
	}
	if q.name != "" {
		fields = append(fields, logging.ClientName(q.name))
	}
	if q.file != "" {
		fields = append(fields, logging.FileName(q.file), logging.FileSize(q.size))
	}
	if q.reason != "" {
		fields = append(fields, logging.ReasonField(q.reason))
	}
	*kept = fields
	if q.reason.IsPolicy() {
		s.audit.Log(logging.RequestDone, fields...)
		return
	}
	logging.Log(s.Log, logging.RequestDone, fields...)
}

// operation names a request.
func operation(c codec.Code) string {
	switch c {
	case codec.CodeRegistration:
		return "registration"
	case codec.CodePublicKey:
		return "public_key"
	case codec.CodeEncryptedFile:
		return "encrypted_file"
	case codec.CodeValidCRC:
		return "valid_crc"
	case codec.CodeInvalidCRC:
		return "invalid_crc"
	case codec.CodeGiveUp:
		return "give_up"
	}
	return "unknown"
}

// status returns the code of the answer, 0 if nothing is sent.
func status(a Answer) uint16 {
	if a.Response == nil {
		return 0
	}
	return uint16(codec.CodeOf(a.Response))
}

func (s *Session) logRegistered() {
	s.event(logging.ClientRegistered, logging.ClientName(s.request.name))
}

func (s *Session) logKeyChanged(from, to [32]byte) {
	s.event(logging.ClientKeyChanged, logging.OldFingerprint(from), logging.Fingerprint(to))
}

func (s *Session) logKeyWaits(key [32]byte) {
	s.event(logging.ClientKeyWaits, logging.Fingerprint(key))
}

func (s *Session) logKeyShared(key [32]byte) {
	s.event(logging.ClientKeyShared, logging.Fingerprint(key))
}

func (s *Session) logChecksum(k crypt.Kind) {
	s.event(logging.ClientChecksum, logging.Checksum(k.String()))
}

func (s *Session) logReceived(f *file) {
	s.event(logging.FileReceived, logging.FileName(f.name), logging.FileSize(f.size), logging.Checksum(f.kind.String()))
}

func (s *Session) logVerified(f *file) {
	s.event(logging.FileVerified, logging.FileName(f.name), logging.FileSize(f.size))
}

func (s *Session) logRejected(f *file, final bool) {
	why := logging.CRCRejected
	switch {
	case !f.genuine:
		why = logging.Undecryptable
	case final:
		why = logging.GaveUp
	}
	s.event(logging.FileRejected, logging.FileName(f.name), logging.FileSize(f.size), logging.ReasonField(why))
}

func (s *Session) logDiscarded(f *file, why logging.Reason) {
	s.event(logging.FileDiscarded, logging.FileName(f.name), logging.ReasonField(why))
}

// event writes a line about the client of the request at hand.
func (s *Session) event(e logging.Event, more ...zap.Field) {
	kept := s.fields.Get().(*[]zap.Field)
	defer s.fields.Put(kept)
	fields := append(append((*kept)[:0], more...), logging.ConnID(s.conn.ID),
		logging.ClientIP(s.conn.Remote.Addr()), logging.ClientID(s.request.client))
	*kept = fields
	if e.IsAudit() {
		s.audit.Log(e, fields...)
		return
	}
	logging.Log(s.Log, e, fields...)
}

func (s *Service) logFault(err error) {
	logging.Log(s.Log, logging.StorageFault, logging.Error(err))
}
