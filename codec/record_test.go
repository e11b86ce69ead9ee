package codec

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// A record is one event as the tests compare it: nothing in it is an alias,
// and the content of a request is one record however it was cut.
type record struct {
	kind    string // request, content, refused
	header  RequestHeader
	payload string
	content int64
	data    string
	reason  Reason
}

// A recording is all that a decoder said of one stream.
type recording struct {
	records  []record
	dialect  Dialect
	complete bool // it ended between two requests
}

// A piece of a stream arrives at once. After one with a pause the grace of
// PROTOCOL.md section 3, row 4 passes.
type piece struct {
	data  []byte
	pause bool
}

// A recorder feeds a decoder and writes down what it says. As a server does, it
// refuses a request whose payload cannot be read, and passes its content over.
type recorder struct {
	t       testing.TB
	d       *Decoder
	records []record
	lost    bool
	take    func(left int64) int64 // how much content to take past the decoder
}

// decode feeds the pieces to a new decoder.
func decode(t testing.TB, pieces ...piece) recording {
	t.Helper()
	return (&recorder{t: t, d: new(Decoder)}).run(pieces)
}

func (r *recorder) run(pieces []piece) recording {
	r.t.Helper()
	for _, p := range pieces {
		r.feed(slices.Clone(p.data))
		if p.pause && r.d.ShortRegistration() {
			r.note(r.d.TakeShortRegistration())
		}
	}
	return recording{r.records, r.d.Dialect(), r.d.Between()}
}

// feed gives p to the decoder until it is taken, and spoils it afterwards:
// whatever still refers to it shows.
func (r *recorder) feed(p []byte) {
	r.t.Helper()
	for rest := p; len(rest) > 0 && !r.lost; {
		if r.take != nil && r.d.ContentLeft() > 0 {
			if n := min(r.take(r.d.ContentLeft()), int64(len(rest))); n > 0 {
				r.d.TakeContent(n)
				r.content(rest[:n])
				rest = rest[n:]
				continue
			}
		}
		n, e, err := r.d.Next(rest)
		r.lost = err != nil
		if err != nil {
			r.mustStayLost(err)
		}
		if n < 1 || n > len(rest) {
			r.t.Fatalf("Next took %d bytes of %d", n, len(rest))
		}
		if held := cap(r.d.held); held > longestRequest {
			r.t.Fatalf("the decoder holds %d bytes", held)
		}
		r.note(e)
		rest = rest[n:]
	}
	for i := range p {
		p[i] = 0xEE
	}
}

func (r *recorder) mustStayLost(err error) {
	n, e, again := r.d.Next([]byte{1})
	if n != 0 || e.Kind != EventNone || !errors.Is(again, err) {
		r.t.Fatalf("after %v Next returned %d, %v, %v", err, n, e.Kind, again)
	}
}

func (r *recorder) note(e Event) {
	switch e.Kind {
	case EventContent:
		if cap(e.Data) != len(e.Data) || len(e.Data) == 0 {
			r.t.Fatalf("content of %d bytes with a capacity of %d", len(e.Data), cap(e.Data))
		}
		r.content(e.Data)
	case EventRequest:
		f := e.Frame
		if f.Dialect != r.d.Dialect() || f.Content != r.d.ContentLeft() {
			r.t.Fatalf("a frame in %v with %d bytes of content from a decoder in %v with %d",
				f.Dialect, f.Content, r.d.Dialect(), r.d.ContentLeft())
		}
		one := record{kind: "request", header: f.Header, payload: string(f.Payload), content: f.Content}
		if _, err := parseRequest(f); err != nil {
			one.kind, one.reason = "refused", reasonOf(err)
			r.d.SkipContent()
		}
		r.add(one)
	case EventRefused:
		r.add(record{kind: "refused", header: e.Frame.Header, payload: string(e.Frame.Payload), reason: e.Err.Reason})
	}
}

func (r *recorder) add(one record) { r.records = append(r.records, one) }

func (r *recorder) content(data []byte) {
	if last := len(r.records) - 1; last >= 0 && r.records[last].kind == "content" {
		r.records[last].data += string(data)
		return
	}
	r.add(record{kind: "content", data: string(data)})
}

// parseRequest decodes the payload of any frame.
func parseRequest(f Frame) (Request, error) {
	switch f.Header.Code {
	case CodeRegistration:
		return ParseRegistration(f)
	case CodePublicKey:
		return ParsePublicKey(f)
	case CodeEncryptedFile:
		return ParseEncryptedFile(f)
	}
	return ParseCRCValidation(f)
}

func reasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return Reason(err.Error())
}

// equal reports whether two recordings are the same.
func (r recording) equal(o recording) bool {
	return r.dialect == o.dialect && r.complete == o.complete && slices.Equal(r.records, o.records)
}

// String shows a recording in a failed test.
func (r recording) String() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%v, complete %v\n", r.dialect, r.complete)
	for _, one := range r.records {
		fmt.Fprintf(&b, "  %s %v payload %q content %d data %x reason %s\n",
			one.kind, one.header, one.payload, one.content, one.data, one.reason)
	}
	return b.String()
}

// whole is a stream that arrives at once.
func whole(stream []byte) piece { return piece{data: stream} }

// cut cuts a stream into pieces of the sizes that next returns (at least one
// byte), and at every pause.
func cut(stream []byte, pauses []int, next func(left int) int) []piece {
	var pieces []piece
	for at := 0; at < len(stream); {
		end := at + max(1, min(next(len(stream)-at), len(stream)-at))
		for _, pause := range pauses {
			if at < pause && pause < end {
				end = pause
			}
		}
		pieces = append(pieces, piece{stream[at:end], slices.Contains(pauses, end)})
		at = end
	}
	return pieces
}

// cuttings returns the stream at once, one byte at a time, and in pieces of
// other sizes that fall differently on headers, payloads and content.
func cuttings(stream []byte, pauses []int) [][]piece {
	all := [][]piece{cut(stream, pauses, func(left int) int { return left })}
	for _, size := range []int{1, 2, 7, 22, 23, 24, 293, 294, 297, 298, 299, 438, 439} {
		all = append(all, cut(stream, pauses, func(int) int { return size }))
	}
	return all
}
