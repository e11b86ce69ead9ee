package codec

// CRCValidation is request 1104, 1105 or 1106: what a client says of the CRC
// that it was told.
type CRCValidation struct {
	Verdict  Code // CodeValidCRC, CodeInvalidCRC or CodeGiveUp
	ClientID ClientID
	FileName []byte // an alias of the frame when parsed
}

// ParseCRCValidation decodes the payload of a frame with [CodeValidCRC],
// [CodeInvalidCRC] or [CodeGiveUp]. FileName is valid as long as the frame's
// payload is.
func ParseCRCValidation(f Frame) (CRCValidation, error) {
	b := fields{rest: f.Payload}
	m := CRCValidation{
		Verdict:  f.Header.Code,
		ClientID: b.clientID(),
		FileName: b.text(),
	}
	return m, b.err
}

func (m CRCValidation) code() Code { return m.Verdict }

func (CRCValidation) payloadSize(Dialect) uint32 { return crcValidationBytes }

func (m CRCValidation) append(dst []byte) []byte {
	dst = append(dst, m.ClientID[:]...)
	return appendText(dst, m.FileName)
}

// Acknowledged is response 2104. To a 1104 it means that the file is safe.
type Acknowledged struct{}

func (Acknowledged) code() Code { return CodeAcknowledged }

func (Acknowledged) append(dst []byte, _ Dialect) []byte { return dst }
