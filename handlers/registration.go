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
	id, err := s.Store.Register(ctx, name)
	switch {
	case errors.Is(err, persistence.ErrNameTaken):
		a := s.refuse(logging.NameTaken)
		// The seed's client goes on with 1101; two others wait for the close.
		a.Patience, a.Reason = s.TakenNameTimeout, logging.TakenNameTimeout
		return a
	case err != nil:
		return s.fail(err)
	}
	s.request.client = codec.ClientID(id)
	s.fresh = registered{id, name}
	s.logRegistered()
	return Answer{Response: codec.RegistrationApproved{ClientID: codec.ClientID(id)}}
}
