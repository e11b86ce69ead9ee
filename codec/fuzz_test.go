package codec

import (
	"bytes"
	"slices"
	"testing"
)

// FuzzDecoder gives any bytes in three cuttings, with a pause somewhere and one
// at the end: the events must be the same, and what parses must be written back
// and parse to the same.
func FuzzDecoder(f *testing.F) {
	for _, v := range readVectors(f, "requests.json") {
		f.Add([]byte(v.Bytes), []byte{23, 5, 1, 200}, uint16(28))
	}
	f.Fuzz(func(t *testing.T, stream, sizes []byte, pause uint16) {
		pauses := []int{int(pause), len(stream)}
		want := decode(t, cut(stream, pauses, func(left int) int { return left })...)
		for _, pieces := range [][]piece{cutBy(stream, nil, pauses...), cutBy(stream, sizes, pauses...)} {
			if got := decode(t, pieces...); !got.equal(want) {
				t.Fatalf("in %d pieces:\n%vat once:\n%v", len(pieces), got, want)
			}
		}
		past := &recorder{t: t, d: new(Decoder), take: func(left int64) int64 { return left/2 + 1 }}
		if got := past.run(cutBy(stream, sizes, pauses...)); !got.equal(want) {
			t.Fatalf("with content taken past the decoder:\n%vat once:\n%v", got, want)
		}
		for _, r := range want.records {
			if r.kind == "request" {
				checkWrittenBack(t, want.dialect, r)
			}
		}
	})
}

// cutBy cuts a stream into pieces of the given sizes, over and over; without
// any, of one byte.
func cutBy(stream, sizes []byte, pauses ...int) []piece {
	if len(sizes) == 0 {
		sizes = []byte{1}
	}
	i := -1
	return cut(stream, pauses, func(int) int {
		i++
		return int(sizes[i%len(sizes)])
	})
}

// checkWrittenBack writes a request that was parsed. Its payload may come out
// different only behind the NUL of a name, and its size only where the client
// declared another.
func checkWrittenBack(t *testing.T, d Dialect, r record) {
	m, err := parseRequest(Frame{Header: r.header, Payload: []byte(r.payload)})
	if err != nil {
		t.Fatal(err)
	}
	written := AppendRequest(nil, d, r.header.ClientID, m)
	h, payload := parseRequestHeader(written), written[RequestHeaderBytes:]
	if h.Code != r.header.Code || h.ClientID != r.header.ClientID || h.Version != Version {
		t.Fatalf("the header %+v is written back as %+v", r.header, h)
	}
	again, err := parseRequest(Frame{Header: h, Payload: payload})
	if err != nil || !bytes.Equal(AppendRequest(nil, d, h.ClientID, again), written) {
		t.Fatalf("%x is parsed and written back as another request: %v", written, err)
	}
	if len(payload) == len(r.payload) && !slices.Equal(zeroBehindNUL(h.Code, r.payload), payload) {
		t.Fatalf("%x is written back as %x", r.payload, payload)
	}
}

// zeroBehindNUL clears what has no meaning in a payload.
func zeroBehindNUL(c Code, payload string) []byte {
	b := []byte(payload)
	at := 0
	for _, f := range find(c).Fields {
		if f.Bytes == textBytes {
			field := b[at : at+textBytes]
			clear(field[textLength(field):])
		}
		at += f.Bytes
	}
	return b
}

// FuzzResponseDecoder gives any bytes in three cuttings: the responses must be
// the same, and be written back and parse to the same.
func FuzzResponseDecoder(f *testing.F) {
	for _, v := range readVectors(f, "responses.json") {
		f.Add([]byte(v.Bytes), []byte{7, 1, 20, 255})
	}
	f.Fuzz(func(t *testing.T, stream, sizes []byte) {
		want, wantErr := decodeResponses(t, whole(stream))
		written := writeResponses(want)
		for _, pieces := range [][]piece{cutBy(stream, nil), cutBy(stream, sizes)} {
			got, err := decodeResponses(t, pieces...)
			same := got.dialect == want.dialect && got.complete == want.complete && (err == nil) == (wantErr == nil)
			if !same || !bytes.Equal(writeResponses(got), written) {
				t.Fatalf("in %d pieces:\n%+v, %v\nat once:\n%+v, %v", len(pieces), got, err, want, wantErr)
			}
		}
		again, err := decodeResponses(t, whole(written))
		if err != nil || !bytes.Equal(writeResponses(again), written) {
			t.Fatalf("%x is decoded as %+v, %v", written, again, err)
		}
	})
}

func writeResponses(r responseRecording) (stream []byte) {
	for _, one := range r.responses {
		stream = AppendResponse(stream, r.dialect, one)
	}
	return stream
}
