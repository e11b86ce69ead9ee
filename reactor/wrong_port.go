package reactor

import (
	"crypto/tls"
	"errors"

	"github.com/sealquay/sealquay/codec"
)

// unexpectedMessage is the alert of a server that got no TLS (RFC 8446, section
// 6). crypto/tls does not send it.
var unexpectedMessage = []byte{21, 3, 3, 0, 2, 2, 10}

// cameWithoutTLS tells a client that came to the port for TLS with something else
// what is spoken here. It reports whether err is that.
func (c *conn) cameWithoutTLS(err error) bool {
	header, ok := errors.AsType[tls.RecordHeaderError](err)
	if !ok || header.Conn == nil {
		return false
	}
	_, _ = c.gnet.Write(unexpectedMessage) // the client may be gone
	return true
}

// cameWithTLS reports whether what was refused as a connection's first request
// is a ClientHello (RFC 8446, sections 4 and 5.1) to the port without TLS.
func (c *conn) cameWithTLS(e codec.Event) bool {
	const handshake, clientHello = 22, 1
	start := e.Frame.Header.ClientID
	return c.requests == 1 && e.Err.Reason == codec.ReasonUnknownCode &&
		start[0] == handshake && start[1] == 3 && start[2] <= 4 && start[5] == clientHello
}
