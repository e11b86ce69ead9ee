package codec

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

const (
	cipherBlock = 16

	// MaxPlainSize is the largest file that the payload size field can carry
	// with its padding: 4 GiB - 289 bytes.
	MaxPlainSize = (1<<32-1-encryptedFileBytes)/cipherBlock*cipherBlock - 1

	seedCksumBytes = 10 // ASCII decimal, zero-padded
)

// EncryptedFile is the fixed part of request 1103; the content follows it.
type EncryptedFile struct {
	ClientID    ClientID
	ContentSize uint32 // as declared; Frame.Content is what really follows
	FileName    []byte // an alias of the frame when parsed
	// FileNameField is the whole field when parsed, as 2103 repeats it: some
	// clients leave other bytes than zeros behind the NUL. An alias of the frame.
	FileNameField []byte
}

// ParseEncryptedFile decodes the payload of a frame with [CodeEncryptedFile].
// Its slices are valid as long as the frame's payload is.
func ParseEncryptedFile(f Frame) (EncryptedFile, error) {
	b := fields{rest: f.Payload}
	m := EncryptedFile{
		ClientID:      b.clientID(),
		ContentSize:   b.uint32(),
		FileNameField: b.bytes(textBytes),
	}
	name := fields{rest: m.FileNameField, err: b.err}
	m.FileName = name.text()
	return m, name.err
}

func (m EncryptedFile) code() Code { return CodeEncryptedFile }

func (m EncryptedFile) payloadSize(d Dialect) uint32 {
	if d == Seed {
		return clientIDBytes + m.ContentSize + uint32(len(fitting(m.FileName)))
	}
	return encryptedFileBytes + m.ContentSize
}

func (m EncryptedFile) append(dst []byte) []byte {
	dst = append(dst, m.ClientID[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, m.ContentSize)
	return appendText(dst, m.FileName)
}

// contentLength returns how many bytes of content follow the fixed part, by
// the length rules of PROTOCOL.md sections 2 and 3 (rows 1 and 2). When they
// cannot be right, the error says so; the length is still known if the reason
// is ReasonContentSize.
func contentLength(d Dialect, h RequestHeader, payload []byte) (int64, *Error) {
	declared := int64(h.PayloadSize)
	content := int64(binary.LittleEndian.Uint32(payload[clientIDBytes:]))
	if d == Seed {
		name := int64(textLength(payload[clientIDBytes+4:]))
		switch {
		case encrypted(content):
			return content, nil
		case declared == clientIDBytes+content+name:
			return content, &Error{Reason: ReasonContentSize}
		}
		return 0, &Error{Reason: ReasonFramingLost}
	}
	counted := declared - encryptedFileBytes
	switch {
	case encrypted(counted):
		return counted, nil
	case (counted == 0 || counted == 1) && encrypted(content):
		return content, nil
	case counted == content:
		return content, &Error{Reason: ReasonContentSize}
	}
	return 0, &Error{Reason: ReasonFramingLost}
}

// encrypted reports whether n can be the size of AES-CBC content with PKCS#7
// padding.
func encrypted(n int64) bool { return n > 0 && n%cipherBlock == 0 }

// FileReceived is response 2103: the CRC of what was received. The first three
// fields repeat the request's.
type FileReceived struct {
	ClientID    ClientID
	ContentSize uint32
	FileName    []byte // the name, or the whole field of the request
	Cksum       uint32
}

func (FileReceived) code() Code { return CodeFileReceived }

func (m FileReceived) append(dst []byte, d Dialect) []byte {
	dst = append(dst, m.ClientID[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, m.ContentSize)
	dst = appendField(dst, m.FileName)
	if d == Seed {
		start := len(dst)
		dst = strconv.AppendUint(dst, uint64(m.Cksum), 10)
		return appendZeros(dst, seedCksumBytes-(len(dst)-start))
	}
	return binary.LittleEndian.AppendUint32(dst, m.Cksum)
}

func parseFileReceived(f *fields, d Dialect) FileReceived {
	m := FileReceived{
		ClientID:    f.clientID(),
		ContentSize: f.uint32(),
		FileName:    f.text(),
	}
	if d == Seed {
		m.Cksum = f.decimal(seedCksumBytes)
	} else {
		m.Cksum = f.uint32()
	}
	return m
}

// decimal reads a zero-padded ASCII number of n bytes.
func (f *fields) decimal(n int) uint32 {
	digits := f.bytes(n)
	digits = digits[:textLength(digits)]
	v, err := strconv.ParseUint(string(digits), 10, 32)
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("the cksum of the response is no number of 32 bits: %q", digits)
	}
	return uint32(v)
}
