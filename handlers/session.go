package handlers

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/crypt"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

// Conn describes the connection that a session serves.
type Conn struct {
	ID     uint64
	Remote netip.AddrPort
	TLS    bool
}

// A Request is one framed request. Its payload is valid during the call only.
type Request struct {
	Frame   codec.Frame
	Refusal *codec.Error // not nil: it cannot be served
	Arrived time.Time
}

// An Answer says what follows from a request or from content.
type Answer struct {
	Response    codec.Response // nil: nothing is sent
	Close       bool           // the connection is closed when the response is out
	SkipContent bool           // the rest of the content is passed over unread
	More        bool           // the client is expected to go on with this
	Patience    time.Duration  // until the next request; 0: the ordinary idle time
	Reason      logging.Reason // logged when patience runs out
	Pause       time.Duration  // for which the connection is not to be read
}

// A Session is one connection's conversation. Its methods are called one at a
// time, in the order of the bytes.
type Session struct {
	*Service
	conn     Conn
	fresh    registered // by this connection, until its 1101
	client   *client    // whose key or files were used last; held
	grant    *grant     // the AES key made on this connection; nil before 1101
	upload   *upload    // the 1103 under way
	request  record
	requests uint64
}

// registered is who came to be by a 1100.
type registered struct {
	id   persistence.ClientID
	name string
}

// NewSession begins the conversation of a connection.
func (s *Service) NewSession(c Conn) *Session {
	return &Session{Service: s, conn: c}
}

// Request handles one request.
func (s *Session) Request(ctx context.Context, r Request) Answer {
	s.begin(r)
	a := s.dispatch(ctx, r)
	if s.upload == nil { // otherwise it is done when the content is
		s.done(a)
	}
	return a
}

func (s *Session) dispatch(ctx context.Context, r Request) Answer {
	if r.Refusal != nil {
		return s.refuse(logging.Reason(r.Refusal.Reason))
	}
	switch r.Frame.Header.Code {
	case codec.CodeRegistration:
		return s.registration(ctx, r.Frame)
	case codec.CodePublicKey:
		return s.publicKey(ctx, r.Frame)
	case codec.CodeEncryptedFile:
		return s.encryptedFile(ctx, r.Frame)
	case codec.CodeValidCRC, codec.CodeInvalidCRC, codec.CodeGiveUp:
		return s.crcValidation(ctx, r.Frame)
	}
	return s.refuse(logging.UnknownCode)
}

// refuse answers with the protocol's only refusal; the log says why.
func (s *Session) refuse(why logging.Reason) Answer {
	s.request.reason = why
	return Answer{Response: codec.RegistrationError{}, SkipContent: true}
}

// fail refuses because of the storage, and logs its error unless that is a rule
// which forbids the request.
func (s *Session) fail(err error) Answer {
	why := reasonOf(err)
	switch {
	case errors.Is(err, persistence.ErrLowSpace):
		s.logLowSpace(err)
	case !why.IsPolicy():
		s.logFault(err)
	}
	return s.refuse(why)
}

// identify makes id the client of the session. A connection that exchanged a
// key speaks for its own client only; any other for whoever has a key.
func (s *Session) identify(ctx context.Context, id codec.ClientID) logging.Reason {
	if s.client != nil && s.client.id == id {
		return ""
	}
	if s.grant != nil {
		return logging.ClientMismatch
	}
	found := s.clients.find(id)
	if found == nil {
		return s.whyNoKey(ctx, id)
	}
	s.leave()
	s.client = found
	return ""
}

// join makes the client with this id the session's.
func (s *Session) join(id codec.ClientID, checksum string) {
	if s.client == nil || s.client.id != id {
		s.leave()
		s.client = s.clients.enter(id, checksum)
	}
}

// ownKey makes g the key of this connection and the latest of its client.
func (s *Session) ownKey(g *grant) {
	s.client.setKey(s.grant, g, s.KeyLifetime > 0)
	s.grant = g
}

// leave lets go of the client and of the connection's key.
func (s *Session) leave() {
	if s.client == nil {
		return
	}
	s.client.setKey(s.grant, nil, false)
	s.discardAll(s.clients.release(s.client, s))
	s.client, s.grant = nil, nil
}

// Close ends the session. An upload under way is discarded; what was received
// waits for a verdict as long as the client's key lives.
func (s *Session) Close() {
	if s.upload != nil {
		s.request.reason = logging.PayloadCutShort
		s.abandon()
		s.done(Answer{})
	}
	s.leave()
}

// opener returns an Opener for content under key.
func (s *Service) opener(key *crypt.Key) *crypt.Opener {
	o := s.openers.Get().(*crypt.Opener)
	o.Reset(key)
	return o
}

func (s *Service) putOpener(o *crypt.Opener) {
	o.Wipe()
	s.openers.Put(o)
}
