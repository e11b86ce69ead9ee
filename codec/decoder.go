package codec

// A Frame is one request as it was framed: what is fixed of it, and how many
// bytes of content follow.
type Frame struct {
	Header  RequestHeader
	Dialect Dialect // the connection's
	// Payload is the fixed part: 255, 415, 275 or 271 bytes, or a shorter
	// registration (PROTOCOL.md section 3, row 4). It is an alias of the
	// decoder's memory or of its input, valid until the next call.
	Payload []byte
	Content int64 // bytes of content that follow; only with CodeEncryptedFile
}

// An EventKind says what the decoder found.
type EventKind uint8

// The kinds of events.
const (
	EventNone    EventKind = iota // all bytes were taken, nothing is complete yet
	EventRequest                  // Frame is a request
	EventContent                  // Data is content of the last request
	EventRefused                  // Frame cannot be served, Err says why; the stream goes on
)

// An Event is what [Decoder.Next] found at the front of its input.
type Event struct {
	Kind  EventKind
	Frame Frame
	Data  []byte // a part of the input
	Err   *Error
}

const longestRequest = RequestHeaderBytes + MaxPayload

// A Decoder splits one connection's bytes into requests and content. Its zero
// value is ready. It is used by one goroutine at a time.
//
// It holds back at most one incomplete request of at most 438 bytes; content
// is never held. Content may also be taken past the decoder, straight from
// where it comes: as long as [Decoder.ContentLeft] is positive, the next bytes
// are content, and [Decoder.TakeContent] accounts for them.
type Decoder struct {
	dialect Dialect
	held    []byte // an incomplete request
	emitted bool   // held was given out with the last event
	content int64  // bytes of content still to come
	skip    int64  // bytes of a refused request still to come
	err     *Error // framing was lost
}

// Dialect returns the connection's dialect, Undecided before the first request.
func (d *Decoder) Dialect() Dialect { return d.dialect }

// ContentLeft returns how many bytes of content are still to come.
func (d *Decoder) ContentLeft() int64 { return d.content }

// TakeContent accounts for n bytes of content that the caller took itself.
// n must not exceed ContentLeft.
func (d *Decoder) TakeContent(n int64) { d.content -= n }

// SkipContent turns the content still to come into bytes to be passed over
// silently: the request was refused after all.
func (d *Decoder) SkipContent() { d.skip, d.content = d.skip+d.content, 0 }

// Skipping reports whether the bytes to come belong to a request that was
// refused.
func (d *Decoder) Skipping() bool { return d.skip > 0 }

// Between reports whether the decoder stands between two requests. Once framing
// is lost it never does.
func (d *Decoder) Between() bool {
	return d.err == nil && d.content == 0 && d.skip == 0 && (len(d.held) == 0 || d.emitted)
}

// InPayload reports whether the decoder has the header of a request and waits
// for more of its payload.
func (d *Decoder) InPayload() bool {
	return d.content > 0 || d.skip > 0 || !d.emitted && len(d.held) >= RequestHeaderBytes
}

// Release gives up memory that no request is held in. A connection that is
// silent for long needs none.
func (d *Decoder) Release() {
	if d.held != nil && (d.emitted || len(d.held) == 0) {
		d.held, d.emitted = nil, false
	}
}

// Next looks at the front of p and returns how many bytes of it were taken and
// what was found. It takes at least one byte if p has any. When framing is
// lost, it returns the error, now with the refused frame and at every further
// call alone: the connection is to be answered with 2101 and closed.
func (d *Decoder) Next(p []byte) (n int, e Event, err error) {
	switch {
	case d.err != nil:
		return 0, Event{}, d.err
	case len(p) == 0:
		return 0, Event{}, nil
	case d.skip > 0:
		n = int(min(d.skip, int64(len(p))))
		d.skip -= int64(n)
		return n, Event{}, nil
	case d.content > 0:
		n = int(min(d.content, int64(len(p))))
		d.content -= int64(n)
		return n, Event{Kind: EventContent, Data: p[:n:n]}, nil
	}
	n, request := d.gather(p)
	if request == nil {
		return n, Event{}, nil
	}
	e = d.frame(request)
	if d.err != nil {
		return n, e, d.err
	}
	return n, e, nil
}

// gather collects the bytes of one request's header and fixed payload. It
// returns nil as long as they are incomplete. A request that lies in p whole is
// not copied.
func (d *Decoder) gather(p []byte) (n int, request []byte) {
	if d.emitted {
		d.held, d.emitted = d.held[:0], false
	}
	if len(d.held) == 0 {
		if need := requestLength(p); len(p) >= need {
			return need, p[:need:need]
		}
	}
	for need := requestLength(d.held); ; need = requestLength(d.held) {
		if len(d.held) >= need {
			d.emitted = true
			return n, d.held
		}
		if n == len(p) {
			return n, nil
		}
		if d.held == nil {
			d.held = make([]byte, 0, longestRequest)
		}
		part := p[n:min(len(p), n+need-len(d.held))]
		d.held = append(d.held, part...)
		n += len(part)
	}
}

// requestLength returns how many bytes of a request must be there before it
// can be framed: the header, then the fixed payload with it. An unknown code
// is framed by its header alone.
func requestLength(b []byte) int {
	if len(b) < RequestHeaderBytes {
		return RequestHeaderBytes
	}
	size, _ := requestSize(parseRequestHeader(b).Code)
	return RequestHeaderBytes + size
}

// frame makes an event of a whole request.
func (d *Decoder) frame(request []byte) Event {
	h, payload := parseRequestHeader(request), request[RequestHeaderBytes:]
	_, known := requestSize(h.Code)
	if d.dialect == Undecided {
		d.dialect = dialectOf(h, payload)
	}
	f := Frame{Header: h, Dialect: d.dialect, Payload: payload}
	if !known {
		d.skip = int64(h.PayloadSize)
		return Event{Kind: EventRefused, Frame: f, Err: &Error{Reason: ReasonUnknownCode}}
	}
	if h.Code != CodeEncryptedFile {
		return Event{Kind: EventRequest, Frame: f}
	}
	length, refusal := contentLength(d.dialect, h, payload)
	if refusal == nil {
		d.content, f.Content = length, length
		return Event{Kind: EventRequest, Frame: f}
	}
	if refusal.Reason == ReasonFramingLost {
		d.err = refusal
	}
	d.skip = length
	return Event{Kind: EventRefused, Frame: f, Err: refusal}
}

// ShortRegistration reports whether what is held may be a registration that
// ends with its name (PROTOCOL.md section 3, row 4): if no more bytes come
// within a short grace, TakeShortRegistration returns it.
func (d *Decoder) ShortRegistration() bool {
	if d.emitted || d.dialect == Seed || len(d.held) <= RequestHeaderBytes {
		return false
	}
	h := parseRequestHeader(d.held)
	return h.Code == CodeRegistration && int64(len(d.held)-RequestHeaderBytes) == int64(h.PayloadSize)
}

// TakeShortRegistration returns what is held as a registration in the
// documented dialect. It may be called only while ShortRegistration is true.
func (d *Decoder) TakeShortRegistration() Event {
	d.dialect, d.emitted = Documented, true
	return Event{Kind: EventRequest, Frame: Frame{
		Header:  parseRequestHeader(d.held),
		Dialect: d.dialect,
		Payload: d.held[RequestHeaderBytes:],
	}}
}
