package codec

// A Request is one of the messages that a client sends: [Registration],
// [PublicKey], [EncryptedFile] (its content follows) or [CRCValidation].
type Request interface {
	code() Code
	payloadSize(Dialect) uint32
	append(dst []byte) []byte
}

// AppendRequest appends the request's header and its fixed payload to dst, as
// the client with the given id sends it.
func AppendRequest(dst []byte, d Dialect, id ClientID, r Request) []byte {
	h := RequestHeader{ClientID: id, Version: Version, Code: r.code(), PayloadSize: r.payloadSize(d)}
	return r.append(h.append(dst))
}

// A Response is one of the messages that a server sends:
// [RegistrationApproved], [RegistrationError], [KeyExchange], [FileReceived] or
// [Acknowledged].
type Response interface {
	code() Code
	append(dst []byte, d Dialect) []byte
}

// CodeOf returns the code of a response.
func CodeOf(r Response) Code { return r.code() }

// MaxResponse is the size of the largest response in bytes.
const MaxResponse = longestResponse

// AppendResponse appends a whole response to dst.
func AppendResponse(dst []byte, d Dialect, r Response) []byte {
	size, _ := responseSize(r.code(), d)
	h := responseHeader{version: Version, code: r.code(), payloadSize: uint32(size)}
	return r.append(h.append(dst, d), d)
}

// responseSize returns the size of a response's payload. The cksum of the
// seed's dialect is wider than the documented one.
func responseSize(c Code, d Dialect) (size int, known bool) {
	switch c {
	case CodeRegistrationApproved:
		return clientIDBytes, true
	case CodeRegistrationError, CodeAcknowledged:
		return 0, true
	case CodeKeyExchange:
		return clientIDBytes + sealedKeyBytes, true
	case CodeFileReceived:
		if d == Seed {
			return encryptedFileBytes + seedCksumBytes, true
		}
		return encryptedFileBytes + 4, true
	}
	return 0, false
}
