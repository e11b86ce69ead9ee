package handlers

import (
	"context"
	"errors"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

// registration handles 1100: a new name gets an id. The header's client id
// means nothing here.
func (s *Session) registration(ctx context.Context, f codec.Frame) Answer {
	m, err := codec.ParseRegistration(f)
	if err != nil {
		return s.refuse(logging.NameNotTerminated)
	}
	name, why := clientName(m.Name)
	if why != "" {
		return s.refuse(why)
	}
	s.request.name = name
	if s.MayRegister != nil {
		if why := s.MayRegister(name); why != "" {
			return s.refuseRegistration(why)
		}
	}
	id, err := s.Store.Register(ctx, name)
	switch {
	case errors.Is(err, persistence.ErrNameTaken):
		return s.refuseRegistration(logging.NameTaken)
	case err != nil:
		return s.fail(err)
	}
	s.request.client = codec.ClientID(id)
	s.fresh = registered{id, name}
	s.logRegistered()
	return Answer{Response: codec.RegistrationApproved{ClientID: codec.ClientID(id)}}
}

// refuseRegistration leaves the connection open, for a while: the seed's client,
// which may be registered, goes on with 1101; two others wait for the close.
func (s *Session) refuseRegistration(why logging.Reason) Answer {
	a := s.refuse(why)
	a.Patience, a.Reason = s.TakenNameTimeout, logging.TakenNameTimeout
	return a
}
