package codec

// PublicKey is request 1101: a client sends its RSA key and asks for an AES key.
type PublicKey struct {
	Name []byte // of the client; an alias of the frame when parsed
	Key  []byte // the 160 bytes of the field; an alias of the frame when parsed
}

// ParsePublicKey decodes the payload of a frame with [CodePublicKey]. Its
// slices are valid as long as the frame's payload is.
func ParsePublicKey(f Frame) (PublicKey, error) {
	b := fields{rest: f.Payload}
	m := PublicKey{
		Name: b.text(),
		Key:  b.bytes(publicKeyBytes),
	}
	return m, b.err
}

func (m PublicKey) code() Code { return CodePublicKey }

func (m PublicKey) payloadSize(d Dialect) uint32 {
	if d == Seed {
		return uint32(len(fitting(m.Name))) + publicKeyBytes
	}
	return publicKeySize
}

func (m PublicKey) append(dst []byte) []byte {
	dst = appendText(dst, m.Name)
	key := m.Key[:min(len(m.Key), publicKeyBytes)]
	return appendZeros(append(dst, key...), publicKeyBytes-len(key))
}

// KeyExchange is response 2102: a new AES key under the client's RSA key.
type KeyExchange struct {
	ClientID     ClientID
	EncryptedKey [sealedKeyBytes]byte
}

func (KeyExchange) code() Code { return CodeKeyExchange }

func (m KeyExchange) append(dst []byte, _ Dialect) []byte {
	dst = append(dst, m.ClientID[:]...)
	return append(dst, m.EncryptedKey[:]...)
}

func parseKeyExchange(f *fields) KeyExchange {
	m := KeyExchange{ClientID: f.clientID()}
	copy(m.EncryptedKey[:], f.bytes(sealedKeyBytes))
	return m
}
