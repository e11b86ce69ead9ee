package codec

import (
	"bytes"
	"encoding/binary"
)

// fields reads a payload field by field. The first error sticks, and every
// later field is zero, so that a message is decoded by one struct literal in
// wire order and checked once.
type fields struct {
	rest []byte
	err  error
}

func (f *fields) bytes(n int) []byte {
	if f.err == nil && len(f.rest) < n {
		f.err = &Error{Reason: ReasonShort}
	}
	if f.err != nil {
		return nil
	}
	b := f.rest[:n:n]
	f.rest = f.rest[n:]
	return b
}

func (f *fields) clientID() (id ClientID) {
	copy(id[:], f.bytes(clientIDBytes))
	return id
}

func (f *fields) uint16() uint16 {
	if b := f.bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (f *fields) uint32() uint32 {
	if b := f.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// text reads a fixed-width string: everything before the first NUL.
func (f *fields) text() []byte {
	b := f.bytes(textBytes)
	end := bytes.IndexByte(b, 0)
	if f.err == nil && end < 0 {
		f.err = &Error{Reason: ReasonNameNotTerminated}
	}
	if f.err != nil {
		return nil
	}
	return b[:end:end]
}

// appendText appends as much of s as fits as a zero-padded text field.
func appendText(dst []byte, s []byte) []byte {
	return appendField(dst, fitting(s))
}

// appendField appends b, at most the width of a text field, as such a field.
func appendField(dst []byte, b []byte) []byte {
	b = b[:min(len(b), textBytes)]
	return appendZeros(append(dst, b...), textBytes-len(b))
}

// fitting cuts s so that its field never runs into its neighbour and always
// ends in NUL.
func fitting(s []byte) []byte { return s[:min(len(s), textBytes-1)] }

// appendZeros appends n zeros; n is at most the width of a text field.
func appendZeros(dst []byte, n int) []byte {
	var zeros [textBytes]byte
	return append(dst, zeros[:n]...)
}

// textLength returns the length of the string in a fixed-width field: up to
// the first NUL, or all of it.
func textLength(field []byte) int {
	if end := bytes.IndexByte(field, 0); end >= 0 {
		return end
	}
	return len(field)
}
