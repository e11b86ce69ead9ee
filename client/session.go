package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/crypt"
)

// A Session is one connection to a server. It is used by one goroutine at a
// time. A context that ends during a call ends the session.
type Session struct {
	conn    net.Conn
	options Options
	timeout time.Duration
	pause   time.Duration
	began   time.Time // of the request under way

	dialect codec.Dialect
	decoder codec.ResponseDecoder
	request []byte // of the last request, reused
	input   [512]byte
	unread  []byte // a part of input

	id     codec.ClientID
	key    crypt.Key
	keyed  bool
	sealer *crypt.Sealer       // nil before the first file
	sent   codec.EncryptedFile // the last 1103

	err error // the session has ended
}

// Dial connects to the server. The error is ErrUnreachable, or the context's.
func Dial(ctx context.Context, o Options) (*Session, error) {
	o = o.withDefaults()
	dialing, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	conn, err := o.Dial(dialing, "tcp", o.Server)
	if ctx.Err() != nil {
		if err == nil {
			conn.Close()
		}
		return nil, context.Cause(ctx)
	}
	if _, explained := errors.AsType[*Error](err); explained {
		return nil, err
	}
	if err != nil {
		return nil, &Error{Problem: ErrUnreachable, Cause: err}
	}
	return &Session{conn: conn, options: o, timeout: o.Timeout, pause: o.Pause, dialect: o.Dialect}, nil
}

// Close ends the connection and forgets the AES key. It may be called again.
func (s *Session) Close() error {
	s.key.Wipe()
	s.keyed = false
	if s.err == nil {
		s.err = net.ErrClosed
	}
	if err := s.conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Dialect returns the dialect that requests are written in: Undecided before
// the first response, unless the options say it.
func (s *Session) Dialect() codec.Dialect { return s.dialect }

// Usable returns nil, or the error that ended the session.
func (s *Session) Usable() error { return s.err }

// Keyed reports whether an AES key is agreed upon, so that files can be sent.
func (s *Session) Keyed() bool { return s.keyed }

// Resume gives the session the id of an earlier registration.
func (s *Session) Resume(id codec.ClientID) { s.id = id }

// ID returns the id that the session's requests carry.
func (s *Session) ID() codec.ClientID { return s.id }

// watch lets ctx interrupt reads and writes until the returned function is
// called. It costs no goroutine while ctx lasts.
func (s *Session) watch(ctx context.Context) (end func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	stop := context.AfterFunc(ctx, func() { s.conn.SetDeadline(time.Unix(1, 0)) })
	return func() {
		if !stop() && s.err == nil {
			s.fail(context.Cause(ctx)) // its deadline would strike the next call
		}
	}
}

// extend gives the next read or write its time. The deadline is set before ctx
// is looked at, so that an interruption is never overwritten unseen.
func (s *Session) extend(ctx context.Context) error {
	if s.err != nil {
		return s.err
	}
	if err := s.conn.SetDeadline(time.Now().Add(s.timeout)); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// fail ends the session with err.
func (s *Session) fail(err error) error {
	if s.err == nil {
		s.err = err
		s.Close()
	}
	return err
}

// broken ends the session after an error of the connection, and says which
// request it broke.
func (s *Session) broken(ctx context.Context, request codec.Code, err error) error {
	switch {
	case s.err != nil:
		return s.err
	case ctx.Err() != nil:
		return s.fail(context.Cause(ctx))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return s.fail(&Error{Problem: ErrTimeout, Request: request, Detail: fmt.Sprintf("after %v", s.timeout)})
	case errors.Is(err, io.EOF):
		return s.fail(&Error{Problem: ErrConnection, Request: request, Detail: "the server closed it", Cause: io.ErrUnexpectedEOF})
	}
	if isAlert(err) {
		return s.fail(&Error{Problem: ErrTLS, Request: request, Cause: err})
	}
	return s.fail(&Error{Problem: ErrConnection, Request: request, Cause: err})
}

func (s *Session) violated(request codec.Code, format string, args ...any) error {
	return s.fail(&Error{Problem: ErrProtocol, Request: request, Detail: fmt.Sprintf(format, args...)})
}

// write sends p. What the server said before it broke the connection is a
// better reason than the broken connection.
func (s *Session) write(ctx context.Context, request codec.Code, p []byte) error {
	err := s.extend(ctx)
	if err == nil {
		_, err = s.conn.Write(p)
	}
	if err == nil {
		return nil
	}
	if s.err == nil && ctx.Err() == nil && s.refusedEarly() {
		return s.fail(&Error{Problem: ErrRefused, Request: request, Detail: "before all of it was sent"})
	}
	return s.broken(ctx, request, err)
}

// refusedEarly reports whether a refusal has arrived already.
func (s *Session) refusedEarly() bool {
	const grace = 100 * time.Millisecond
	s.conn.SetReadDeadline(time.Now().Add(grace))
	n, err := s.conn.Read(s.input[:])
	if n == 0 && err != nil {
		return false
	}
	_, response, _ := s.decoder.Next(s.input[:n])
	_, refused := response.(codec.RegistrationError)
	return refused
}

// ask sends a request and returns the response. A refusal is ErrRefused, and
// the session can go on; after any other error it has ended.
func ask[T codec.Response](ctx context.Context, s *Session, code codec.Code, r codec.Request) (T, error) {
	var none T
	if err := s.say(ctx, code, r); err != nil {
		return none, err
	}
	return answer[T](ctx, s, code)
}

// say sends a request.
func (s *Session) say(ctx context.Context, code codec.Code, r codec.Request) error {
	s.request = codec.AppendRequest(s.request[:0], s.dialect, s.id, r)
	s.began = time.Now()
	return s.write(ctx, code, s.request)
}

// answer waits for the response to the request with the given code.
func answer[T codec.Response](ctx context.Context, s *Session, code codec.Code) (T, error) {
	var none T
	response, err := s.receive(ctx, code)
	if err != nil {
		return none, err
	}
	s.options.Observe(code, time.Since(s.began))
	switch response := response.(type) {
	case T:
		return response, nil
	case codec.RegistrationError:
		return none, &Error{Problem: ErrRefused, Request: code}
	}
	return none, s.violated(code, "it was answered with %d (%v)", uint16(codec.CodeOf(response)), codec.CodeOf(response))
}

// receive reads one response. Nothing may follow it: the next one belongs to a
// request that was not sent yet.
func (s *Session) receive(ctx context.Context, code codec.Code) (codec.Response, error) {
	var found codec.Response
	cksum := s.cksumEnd(code)
	for found == nil || len(s.unread) > 0 {
		if len(s.unread) == 0 {
			if err := s.read(ctx, &cksum); err != nil {
				return nil, s.broken(ctx, code, err)
			}
			if s.decoder.Dialect() == codec.Undecided && wantsTLS(s.unread) {
				return nil, s.fail(&Error{Problem: ErrWantsTLS, Request: code})
			}
		}
		n, response, err := s.decoder.Next(s.unread)
		s.unread = s.unread[n:]
		switch {
		case err != nil:
			return nil, s.violated(code, "%v", err)
		case response != nil && found != nil:
			return nil, s.violated(code, "it was answered twice")
		case response != nil:
			found = response
		}
	}
	if s.dialect == codec.Undecided {
		s.dialect = s.decoder.Dialect()
	}
	return found, nil
}

// read fills unread with what the connection has. Bytes that come with an error
// come first.
func (s *Session) read(ctx context.Context, cksum *cksumEnd) error {
	if err := s.extend(ctx); err != nil {
		return err
	}
	n, err := s.conn.Read(s.input[:])
	if n == 0 {
		return err
	}
	s.unread = cksum.complete(s.input[:n])
	return nil
}
