package client

import (
	"context"
	"encoding/binary"
	"time"
	"unicode/utf8"

	"github.com/sealquay/sealquay/codec"
)

// encryptedSuffix is what the seed's dialect appends to the file name in 1103
// and not in 1104 to 1106 (PROTOCOL.md section 2). Its server cuts off the last
// four bytes without looking.
const encryptedSuffix = ".enc"

// zeros stand for the cksum's padding that the seed's server leaves out.
var zeros [10]byte

// A cksumEnd finds the end of a 2103 of the seed's server. Its cksum has no
// padding: it ends with its digits, of which only the payload size tells the
// number. That is 16 + content size + characters of the file name + digits.
type cksumEnd struct {
	awaited bool
	others  uint32 // what the payload size counts besides the digits
	got     []byte // of the response
}

// Offsets in a 2103 of the seed's dialect, whose header has 8 bytes.
const (
	seedPayloadSizeAt = 4
	seedCksumAt       = 8 + 16 + 4 + 255
)

// cksumEnd returns what completes the response to a request with this code.
func (s *Session) cksumEnd(code codec.Code) cksumEnd {
	if code != codec.CodeEncryptedFile || s.dialect != codec.Seed {
		return cksumEnd{}
	}
	name := utf8.RuneCount(s.sent.FileName) - len(encryptedSuffix)
	return cksumEnd{awaited: true, others: 16 + s.sent.ContentSize + uint32(name)}
}

// complete appends the padding to p, the next bytes of the response, if p ends
// with the last digit. More than that has arrived from a server that pads: it
// sends each response in one write.
func (e *cksumEnd) complete(p []byte) []byte {
	if !e.awaited {
		return p
	}
	e.got = append(e.got, p...)
	if len(e.got) <= seedCksumAt {
		return p
	}
	digits := binary.LittleEndian.Uint32(e.got[seedPayloadSizeAt:]) - e.others
	if digits < uint32(len(zeros)) && len(e.got) == seedCksumAt+int(digits) {
		return append(p, zeros[digits:]...)
	}
	return p
}

// letArrive gives what was written the time to be read by itself. The seed's
// server takes a request with one recv of up to 1024 bytes and fails if the
// next one's bytes are behind it.
func (s *Session) letArrive(ctx context.Context, request codec.Code) error {
	until := time.Now().Add(s.timeout)
	for unacknowledged(s.conn) && time.Now().Before(until) {
		if err := rest(ctx, time.Millisecond); err != nil {
			return s.broken(ctx, request, err)
		}
	}
	if err := rest(ctx, s.pause); err != nil {
		return s.broken(ctx, request, err)
	}
	return nil
}

func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
