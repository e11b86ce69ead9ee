package client

import (
	"context"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/sealquay/sealquay/codec"
)

const longestName = 254 // bytes: the field has 255 and ends in NUL

// Register asks for an id under a new name and keeps it for the session
// (1100, protocol section 1). ErrNameTaken means that the name has an id
// already; the session can go on. ErrName means that the name has not 1 to
// 254 bytes of UTF-8 without control characters; nothing was sent.
func (s *Session) Register(ctx context.Context, name string) (codec.ClientID, error) {
	if err := checkName(name); err != nil {
		return codec.ClientID{}, err
	}
	defer s.watch(ctx)()
	approved, err := ask[codec.RegistrationApproved](ctx, s, codec.CodeRegistration, codec.Registration{Name: []byte(name)})
	switch {
	case errors.Is(err, ErrRefused):
		return codec.ClientID{}, &Error{Problem: ErrNameTaken, Request: codec.CodeRegistration, Detail: fmt.Sprintf("%q", name)}
	case err != nil:
		return codec.ClientID{}, err
	case approved.ClientID == codec.ClientID{}:
		return codec.ClientID{}, s.violated(codec.CodeRegistration, "the id is all zeros")
	}
	s.id = approved.ClientID
	return s.id, nil
}

// checkName refuses a name that no server takes.
func checkName(name string) error {
	fault := ""
	switch {
	case name == "":
		fault = "it is empty"
	case len(name) > longestName:
		fault = fmt.Sprintf("it has %d bytes", len(name))
	case !utf8.ValidString(name):
		fault = "it is not UTF-8"
	default:
		for _, r := range name {
			if unicode.IsControl(r) {
				fault = fmt.Sprintf("it holds the control character %U", r)
				break
			}
		}
	}
	if fault == "" {
		return nil
	}
	return &Error{Problem: ErrName, Detail: fmt.Sprintf("%.64q: %s", name, fault)}
}
