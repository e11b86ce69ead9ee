package codec

import "fmt"

const (
	responseHeaderBytes = 7
	longestResponse     = responseHeaderBytes + 1 + encryptedFileBytes + seedCksumBytes
)

// A ResponseDecoder splits a server's bytes into responses. Its zero value is
// ready. It recognises the dialect by the first response: the seed's server
// sends a zero as the second byte, where a documented code has none. It is used
// by one goroutine at a time.
type ResponseDecoder struct {
	dialect Dialect
	held    []byte
	skip    int64 // bytes of a payload beyond its fields
	err     error
}

// Dialect returns the server's dialect, Undecided before the first response.
func (d *ResponseDecoder) Dialect() Dialect { return d.dialect }

// Next looks at the front of p and returns how many bytes of it were taken and
// the response that they completed, or nil. It takes at least one byte if p has
// any. After an error the stream cannot be read on: every call returns it.
func (d *ResponseDecoder) Next(p []byte) (n int, r Response, err error) {
	if d.err != nil {
		return 0, nil, d.err
	}
	if d.skip > 0 {
		n = int(min(d.skip, int64(len(p))))
		d.skip -= int64(n)
		return n, nil, nil
	}
	if d.held == nil {
		d.held = make([]byte, 0, longestResponse)
	}
	for {
		need, err := d.need()
		if err != nil {
			d.err = err
			return n, nil, err
		}
		if len(d.held) >= need {
			break
		}
		if n == len(p) {
			return n, nil, nil
		}
		part := p[n:min(len(p), n+need-len(d.held))]
		d.held = append(d.held, part...)
		n += len(part)
	}
	r, d.err = d.parse()
	return n, r, d.err
}

// need returns how many bytes must be held before more can be said: two to
// tell the dialect, then the header, then the whole response.
func (d *ResponseDecoder) need() (int, error) {
	if d.dialect == Undecided {
		if len(d.held) < 2 {
			return 2, nil
		}
		d.dialect = Documented
		if d.held[1] == 0 {
			d.dialect = Seed
		}
	}
	header := d.headerBytes()
	if len(d.held) < header {
		return header, nil
	}
	h := parseResponseHeader(d.held, d.dialect)
	size, known := responseSize(h.code, d.dialect)
	switch {
	case !known:
		return 0, fmt.Errorf("the server sent a response with the unknown code %d", h.code)
	case d.dialect == Documented && int64(h.payloadSize) < int64(size):
		return 0, fmt.Errorf("the server sent %v with a payload of %d bytes; it has %d", h.code, h.payloadSize, size)
	}
	return header + size, nil
}

func (d *ResponseDecoder) headerBytes() int {
	if d.dialect == Seed {
		return responseHeaderBytes + 1
	}
	return responseHeaderBytes
}

// parse decodes the whole response that is held and empties the decoder.
func (d *ResponseDecoder) parse() (Response, error) {
	h := parseResponseHeader(d.held, d.dialect)
	size, _ := responseSize(h.code, d.dialect)
	if d.dialect == Documented {
		d.skip = int64(h.payloadSize) - int64(size)
	}
	f := fields{rest: d.held[d.headerBytes():]}
	r := parseResponse(&f, h.code, d.dialect)
	d.held = nil // the response keeps its memory
	if f.err != nil {
		return nil, f.err
	}
	return r, nil
}

func parseResponse(f *fields, c Code, d Dialect) Response {
	switch c {
	case CodeRegistrationApproved:
		return RegistrationApproved{ClientID: f.clientID()}
	case CodeKeyExchange:
		return parseKeyExchange(f)
	case CodeFileReceived:
		return parseFileReceived(f, d)
	case CodeAcknowledged:
		return Acknowledged{}
	}
	return RegistrationError{}
}
