package codec

import (
	"encoding/binary"
	"encoding/hex"
)

// ClientID is the UUID that the server gave a client at registration.
type ClientID [clientIDBytes]byte

// String returns the id as 32 hexadecimal digits, as me.info has it.
func (id ClientID) String() string { return hex.EncodeToString(id[:]) }

// RequestHeaderBytes is the size of a request's header.
const RequestHeaderBytes = clientIDBytes + 1 + 2 + 4

// A RequestHeader stands before every request.
type RequestHeader struct {
	ClientID    ClientID
	Version     uint8
	Code        Code
	PayloadSize uint32 // as declared; real clients get it wrong in several ways
}

// parseRequestHeader decodes the header in the first 23 bytes of b.
func parseRequestHeader(b []byte) RequestHeader {
	f := fields{rest: b}
	return RequestHeader{
		ClientID:    f.clientID(),
		Version:     f.bytes(1)[0],
		Code:        Code(f.uint16()),
		PayloadSize: f.uint32(),
	}
}

func (h RequestHeader) append(dst []byte) []byte {
	dst = append(dst, h.ClientID[:]...)
	dst = append(dst, h.Version)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(h.Code))
	return binary.LittleEndian.AppendUint32(dst, h.PayloadSize)
}

// A responseHeader stands before every response: 7 bytes, or 8 in the seed's
// dialect, which has a zero byte after the version.
type responseHeader struct {
	version     uint8
	code        Code
	payloadSize uint32
}

func parseResponseHeader(b []byte, d Dialect) responseHeader {
	f := fields{rest: b}
	h := responseHeader{version: f.bytes(1)[0]}
	if d == Seed {
		f.bytes(1)
	}
	h.code, h.payloadSize = Code(f.uint16()), f.uint32()
	return h
}

func (h responseHeader) append(dst []byte, d Dialect) []byte {
	dst = append(dst, h.version)
	if d == Seed {
		dst = append(dst, 0)
	}
	dst = binary.LittleEndian.AppendUint16(dst, uint16(h.code))
	return binary.LittleEndian.AppendUint32(dst, h.payloadSize)
}
