package codec

// Registration is request 1100: a client asks for an id under a new name.
type Registration struct {
	Name []byte // 1 to 254 bytes when valid; an alias of the frame when parsed
}

// ParseRegistration decodes the payload of a frame with [CodeRegistration].
// Name is valid as long as the frame's payload is.
func ParseRegistration(f Frame) (Registration, error) {
	if len(f.Payload) < textBytes { // the short form, PROTOCOL.md section 3, row 4
		return Registration{Name: f.Payload[:textLength(f.Payload)]}, nil
	}
	b := fields{rest: f.Payload}
	m := Registration{Name: b.text()}
	return m, b.err
}

func (m Registration) code() Code { return CodeRegistration }

func (m Registration) payloadSize(d Dialect) uint32 {
	if d == Seed {
		return uint32(len(fitting(m.Name)))
	}
	return registrationBytes
}

func (m Registration) append(dst []byte) []byte {
	return appendText(dst, m.Name)
}

// RegistrationApproved is response 2100: the client's new id.
type RegistrationApproved struct {
	ClientID ClientID
}

func (RegistrationApproved) code() Code { return CodeRegistrationApproved }

func (m RegistrationApproved) append(dst []byte, _ Dialect) []byte {
	return append(dst, m.ClientID[:]...)
}

// RegistrationError is response 2101. It is the protocol's only refusal, and
// answers any request that is not served.
type RegistrationError struct{}

func (RegistrationError) code() Code { return CodeRegistrationError }

func (RegistrationError) append(dst []byte, _ Dialect) []byte { return dst }
