package client

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/sealquay/sealquay/codec"
)

// MeInfoName is the name of the file that holds a client's identity.
const MeInfoName = "me.info"

// MeInfo is a client's identity, as me.info holds it (protocol section 5).
type MeInfo struct {
	Name string
	ID   codec.ClientID
	Key  *Key
}

// ParseMeInfo reads the text of a me.info: the name, the id as 32 hexadecimal
// digits, then the key as PKCS#8 in Base64, on one line or broken over many, as
// Crypto++ in the seed's client does. Lines end in LF or CRLF.
//
// The error is a *SyntaxError. What stands before the fault is returned with
// it, so that an id outlives a damaged key.
func ParseMeInfo(text []byte) (MeInfo, error) {
	var m MeInfo
	lines := splitLines(string(text))

	name, found := line(lines, 1)
	if checkName(name) != nil {
		return m, &SyntaxError{MeInfoName, 1, found, "the client's name: 1 to 254 bytes of UTF-8 without control characters"}
	}
	m.Name = name

	digits, found := line(lines, 2)
	id, err := hex.DecodeString(digits)
	if err != nil || len(id) != len(m.ID) || codec.ClientID(id) == (codec.ClientID{}) {
		return m, &SyntaxError{MeInfoName, 2, found, "the client's id: 32 hexadecimal digits, not all of them 0"}
	}
	m.ID = codec.ClientID(id)

	m.Key, err = parseKeyText(strings.Join(lines[2:], ""))
	return m, err
}

func parseKeyText(text string) (*Key, error) {
	text = strings.Join(strings.Fields(text), "")
	der, err := base64.StdEncoding.Strict().DecodeString(text)
	if err == nil {
		var key *Key
		if key, err = ParseKey(der); err == nil {
			return key, nil
		}
	}
	found := "the end of the file"
	if text != "" {
		found = fmt.Sprintf("%d characters that hold no such key", len(text))
	}
	return nil, &SyntaxError{MeInfoName, 3, found, "the private key: RSA-1024, PKCS#8 DER in Base64"}
}

// ReadMeInfo reads the me.info at path. Errors are those of ParseMeInfo, or of
// reading.
func ReadMeInfo(path string) (MeInfo, error) {
	text, err := readSettings(path)
	if err != nil {
		return MeInfo{}, err
	}
	m, err := ParseMeInfo(text)
	return m, inFile(path, err)
}

const base64Line = 72 // characters, as Crypto++ breaks lines

// Text returns the text of the me.info, with Base64 in lines of 72 as the
// seed's client writes and reads it. All three fields must be set.
func (m MeInfo) Text() []byte {
	text := fmt.Appendf(nil, "%s\n%v\n", m.Name, m.ID)
	key := base64.StdEncoding.EncodeToString(m.Key.der)
	for len(key) > 0 {
		n := min(base64Line, len(key))
		text = append(append(text, key[:n]...), '\n')
		key = key[n:]
	}
	return text
}

// Write writes the me.info to path, atomically and durably, with mode 0600.
func (m MeInfo) Write(path string) error { return writeAtomically(path, m.Text()) }
