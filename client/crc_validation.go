package client

import (
	"context"
	"fmt"

	"github.com/sealquay/sealquay/codec"
)

// A file is sent once and up to three times more. The seed's server listens to
// three verdicts and then closes, so that a fourth try could not be accepted.
const (
	mostTries     = 4
	mostTriesSeed = 3
)

func (s *Session) mostTries() int {
	if s.dialect == codec.Seed {
		return mostTriesSeed
	}
	return mostTries
}

// accept says that the CRC is right (1104). Its answer means that the file is
// safe.
func (s *Session) accept(ctx context.Context, name []byte) error {
	_, err := ask[codec.Acknowledged](ctx, s, codec.CodeValidCRC, s.verdict(codec.CodeValidCRC, name))
	return err
}

// reject says that the CRC is wrong and that the file comes again (1105). The
// seed's dialect has no answer to it.
func (s *Session) reject(ctx context.Context, name []byte) error {
	verdict := s.verdict(codec.CodeInvalidCRC, name)
	if s.dialect != codec.Seed {
		_, err := ask[codec.Acknowledged](ctx, s, codec.CodeInvalidCRC, verdict)
		return err
	}
	if err := s.say(ctx, codec.CodeInvalidCRC, verdict); err != nil {
		return err
	}
	return s.letArrive(ctx, codec.CodeInvalidCRC)
}

// giveUp says that the CRC was wrong for the last time (1106), after which the
// server has thrown the AES key away. It returns ErrChecksum, or what else went
// wrong. The seed's dialect has no answer to it and disconnects.
func (s *Session) giveUp(ctx context.Context, name []byte, tries int) error {
	failure := &Error{Problem: ErrChecksum, Request: codec.CodeGiveUp, Detail: fmt.Sprintf("%q was sent %d times", name, tries)}
	verdict := s.verdict(codec.CodeGiveUp, name)
	if s.dialect == codec.Seed {
		if err := s.say(ctx, codec.CodeGiveUp, verdict); err != nil {
			return err
		}
		return s.fail(failure)
	}
	if _, err := ask[codec.Acknowledged](ctx, s, codec.CodeGiveUp, verdict); err != nil {
		return fmt.Errorf("%w, after the CRC of %q was wrong %d times", err, name, tries)
	}
	s.key.Wipe()
	s.keyed = false
	return failure
}

func (s *Session) verdict(code codec.Code, name []byte) codec.CRCValidation {
	return codec.CRCValidation{Verdict: code, ClientID: s.id, FileName: name}
}
