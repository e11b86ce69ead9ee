package codec

import "strconv"

// Version is the protocol version that both sides send in every header.
const Version = 3

// A Code says what a message is (PROTOCOL.md section 1).
type Code uint16

// The codes of the requests and of the responses.
const (
	CodeRegistration  Code = 1100
	CodePublicKey     Code = 1101
	CodeEncryptedFile Code = 1103
	CodeValidCRC      Code = 1104
	CodeInvalidCRC    Code = 1105
	CodeGiveUp        Code = 1106

	CodeRegistrationApproved Code = 2100
	CodeRegistrationError    Code = 2101
	CodeKeyExchange          Code = 2102
	CodeFileReceived         Code = 2103
	CodeAcknowledged         Code = 2104
)

// String returns the name of the message, or the number of an unknown code.
func (c Code) String() string {
	if m := find(c); m != nil {
		return m.Name
	}
	return strconv.Itoa(int(c))
}

// A Field is one field of a payload: its name and its width in bytes.
type Field struct {
	Name  string
	Bytes int // 0: as many as the content size says
}

// A Message is one row of the protocol's tables.
type Message struct {
	Code   Code
	Name   string
	Fields []Field
}

// Size returns the bytes of the payload's fixed part.
func (m *Message) Size() int {
	size := 0
	for _, f := range m.Fields {
		size += f.Bytes
	}
	return size
}

// Widths of the fields, in bytes.
const (
	clientIDBytes  = 16
	textBytes      = 255
	publicKeyBytes = 160
	sealedKeyBytes = 128
)

var (
	fieldClientID = Field{"client id", clientIDBytes}
	fieldName     = Field{"name", textBytes}
	fieldFileName = Field{"file name", textBytes}
	fieldSize     = Field{"content size", 4}
)

// Requests is the protocol's table of requests. It is not to be changed.
var Requests = []Message{
	{CodeRegistration, "registration", []Field{fieldName}},
	{CodePublicKey, "public key", []Field{fieldName, {"public key", publicKeyBytes}}},
	{CodeEncryptedFile, "encrypted file", []Field{fieldClientID, fieldSize, fieldFileName, {"content", 0}}},
	{CodeValidCRC, "valid CRC", []Field{fieldClientID, fieldFileName}},
	{CodeInvalidCRC, "invalid CRC", []Field{fieldClientID, fieldFileName}},
	{CodeGiveUp, "giving up", []Field{fieldClientID, fieldFileName}},
}

// Responses is the protocol's table of responses. It is not to be changed.
var Responses = []Message{
	{CodeRegistrationApproved, "registration approved", []Field{fieldClientID}},
	{CodeRegistrationError, "registration error", nil},
	{CodeKeyExchange, "key exchange", []Field{fieldClientID, {"encrypted AES key", sealedKeyBytes}}},
	{CodeFileReceived, "file received", []Field{fieldClientID, fieldSize, fieldFileName, {"cksum", 4}}},
	{CodeAcknowledged, "acknowledged", nil},
}

// The fixed sizes of the requests' payloads: 255, 415, 275 and 271.
const (
	registrationBytes  = textBytes
	publicKeySize      = textBytes + publicKeyBytes
	encryptedFileBytes = clientIDBytes + 4 + textBytes
	crcValidationBytes = clientIDBytes + textBytes

	// MaxPayload is the largest of them, in bytes.
	MaxPayload = publicKeySize
)

// requestSize returns the fixed size of a request's payload. Its length comes
// from the code and not from the header, because some clients leave the size
// zero (PROTOCOL.md section 3, row 3).
func requestSize(c Code) (size int, known bool) {
	switch c {
	case CodeRegistration:
		return registrationBytes, true
	case CodePublicKey:
		return publicKeySize, true
	case CodeEncryptedFile:
		return encryptedFileBytes, true
	case CodeValidCRC, CodeInvalidCRC, CodeGiveUp:
		return crcValidationBytes, true
	}
	return 0, false
}

func find(c Code) *Message {
	for _, table := range [][]Message{Requests, Responses} {
		for i := range table {
			if table[i].Code == c {
				return &table[i]
			}
		}
	}
	return nil
}
