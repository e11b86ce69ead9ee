package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"

	"github.com/sealquay/sealquay/codec"
)

// Where the content of a 1103 starts: after the header and three fields
// (docs/PROTOCOL.md section 1).
const contentStart = 23 + 275

// wire is a connection that damages contents on their way, and tells when the
// request leaves that may commit a file. It is used by one session, which
// writes a request in one call, but for the rest of a content.
type wire struct {
	net.Conn
	damage  int          // of so many 1103 yet to come a byte is changed
	accepts func() error // called before a 1104 leaves; may be nil
}

// dial is a client.DialFunc.
func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	w.Conn = conn
	return w, err
}

func (w *wire) Write(p []byte) (int, error) {
	switch {
	case isRequest(p, codec.CodeValidCRC) && w.accepts != nil:
		if err := w.accepts(); err != nil {
			return 0, err
		}
	case isRequest(p, codec.CodeEncryptedFile) && w.damage > 0 && len(p) > contentStart:
		p = bytes.Clone(p)
		p[contentStart+w.damage%(len(p)-contentStart)] ^= 0x10
		w.damage--
	}
	return w.Conn.Write(p)
}

// isRequest reports that p begins with the header of a request. That a piece of
// encrypted content looks like one, version and all, is not worth a thought.
func isRequest(p []byte, code codec.Code) bool {
	return len(p) >= 23 && p[16] == 3 && binary.LittleEndian.Uint16(p[17:]) == uint16(code)
}
