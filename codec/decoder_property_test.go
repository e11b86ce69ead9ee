package codec

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A conversation is any sequence of valid requests in one dialect.
type conversation struct {
	dialect  Dialect
	requests []sent
}

type sent struct {
	id      ClientID
	request Request
	content []byte
}

func conversations() *rapid.Generator[conversation] {
	return rapid.Custom(func(t *rapid.T) conversation {
		c := conversation{dialect: rapid.SampledFrom([]Dialect{Documented, Seed}).Draw(t, "dialect")}
		// Only these two tell the seed's dialect.
		first := []Code{CodeRegistration, CodePublicKey}
		c.requests = append(c.requests, drawRequest(t, first))
		all := append([]Code{CodeEncryptedFile, CodeValidCRC, CodeInvalidCRC, CodeGiveUp}, first...)
		for range rapid.IntRange(0, 6).Draw(t, "more requests") {
			c.requests = append(c.requests, drawRequest(t, all))
		}
		return c
	})
}

func drawRequest(t *rapid.T, codes []Code) sent {
	s := sent{id: drawID(t)}
	name := []byte(rapid.StringOfN(rapid.Rune().Filter(func(r rune) bool { return r != 0 }), 1, 63, 254).Draw(t, "name"))
	switch code := rapid.SampledFrom(codes).Draw(t, "code"); code {
	case CodeRegistration:
		s.request = Registration{Name: name}
	case CodePublicKey:
		s.request = PublicKey{Name: name, Key: rapid.SliceOfN(rapid.Byte(), publicKeyBytes, publicKeyBytes).Draw(t, "key")}
	case CodeEncryptedFile:
		s.content = make([]byte, 16*rapid.IntRange(1, 40).Draw(t, "blocks"))
		for i := range s.content {
			s.content[i] = byte(i)
		}
		s.request = EncryptedFile{ClientID: drawID(t), ContentSize: uint32(len(s.content)), FileName: name}
	default:
		s.request = CRCValidation{Verdict: code, ClientID: drawID(t), FileName: name}
	}
	return s
}

func drawID(t *rapid.T) ClientID {
	return ClientID(rapid.SliceOfN(rapid.Byte(), clientIDBytes, clientIDBytes).Draw(t, "id"))
}

func (c conversation) stream() (b []byte) {
	for _, s := range c.requests {
		b = append(AppendRequest(b, c.dialect, s.id, s.request), s.content...)
	}
	return b
}

// recording is what a decoder must say of the conversation.
func (c conversation) recording() recording {
	want := recording{dialect: c.dialect, complete: true}
	for _, s := range c.requests {
		payload := s.request.append(nil)
		want.records = append(want.records, record{
			kind:    "request",
			header:  RequestHeader{s.id, Version, s.request.code(), s.request.payloadSize(c.dialect)},
			payload: string(payload),
			content: int64(len(s.content)),
		})
		if len(s.content) > 0 {
			want.records = append(want.records, record{kind: "content", data: string(s.content)})
		}
	}
	return want
}

func drawCut(t *rapid.T, stream []byte) []piece {
	most := rapid.SampledFrom([]int{1, 3, 30, 300, 3000}).Draw(t, "longest piece")
	return cut(stream, nil, func(left int) int { return rapid.IntRange(1, min(left, most)).Draw(t, "piece") })
}

// TestAnyCutGivesTheSameEvents also takes some of the content past the decoder.
func TestAnyCutGivesTheSameEvents(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := conversations().Draw(rt, "conversation")
		want := c.recording()
		r := &recorder{t: t, d: new(Decoder)}
		if rapid.Bool().Draw(rt, "take content past the decoder") {
			r.take = func(left int64) int64 { return rapid.Int64Range(0, left).Draw(rt, "taken") }
		}
		if got := r.run(drawCut(rt, c.stream())); !got.equal(want) {
			rt.Fatalf("got\n%vwant\n%v", got, want)
		}
	})
}

func TestWhatParsesIsWrittenBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := conversations().Draw(rt, "conversation")
		stream := c.stream()
		var written []byte
		for _, one := range decode(t, drawCut(rt, stream)...).records {
			if one.kind == "content" {
				written = append(written, one.data...)
				continue
			}
			m, err := parseRequest(Frame{Header: one.header, Dialect: c.dialect, Payload: []byte(one.payload)})
			if err != nil {
				rt.Fatal(err)
			}
			written = AppendRequest(written, c.dialect, one.header.ClientID, m)
		}
		if !bytes.Equal(written, stream) {
			rt.Fatalf("got\n%x\nwant\n%x", written, stream)
		}
	})
}

// TestRefusedContentIsPassedOver refuses some of the files.
func TestRefusedContentIsPassedOver(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := conversations().Draw(rt, "conversation")
		var want, got []Code
		for _, s := range c.requests {
			want = append(want, s.request.code())
		}
		d := new(Decoder)
		for _, p := range drawCut(rt, c.stream()) {
			for rest := p.data; len(rest) > 0; {
				n, e, err := d.Next(rest)
				if n == 0 || err != nil {
					rt.Fatal(n, err)
				}
				if e.Kind == EventRequest {
					got = append(got, e.Frame.Header.Code)
				}
				if d.ContentLeft() > 0 && rapid.Bool().Draw(rt, "refuse") {
					d.SkipContent()
				}
				rest = rest[n:]
			}
		}
		if !slices.Equal(got, want) || !d.Between() {
			rt.Fatalf("got %v, Between %v, want %v", got, d.Between(), want)
		}
	})
}

func TestAnyCutGivesTheSameResponses(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := rapid.SampledFrom([]Dialect{Documented, Seed}).Draw(rt, "dialect")
		want := rapid.SliceOfN(rapid.Custom(drawResponse), 1, 8).Draw(rt, "responses")
		var stream, written []byte
		for _, r := range want {
			stream = AppendResponse(stream, d, r)
		}
		got, err := decodeResponses(t, drawCut(rt, stream)...)
		if err != nil || got.dialect != d || !got.complete || len(got.responses) != len(want) {
			rt.Fatalf("got %+v, %v, want %v in %v", got, err, want, d)
		}
		for _, r := range got.responses {
			written = AppendResponse(written, d, r)
		}
		if !bytes.Equal(written, stream) {
			rt.Fatalf("got\n%x\nwant\n%x", written, stream)
		}
	})
}

func drawResponse(t *rapid.T) Response {
	name := rapid.SliceOfN(rapid.ByteRange(1, 255), 0, 254)
	switch rapid.SampledFrom(Responses).Draw(t, "message").Code {
	case CodeRegistrationApproved:
		return RegistrationApproved{drawID(t)}
	case CodeKeyExchange:
		key := rapid.SliceOfN(rapid.Byte(), sealedKeyBytes, sealedKeyBytes).Draw(t, "key")
		return KeyExchange{drawID(t), [sealedKeyBytes]byte(key)}
	case CodeFileReceived:
		return FileReceived{drawID(t), rapid.Uint32().Draw(t, "size"), name.Draw(t, "name"), rapid.Uint32().Draw(t, "cksum")}
	case CodeAcknowledged:
		return Acknowledged{}
	}
	return RegistrationError{}
}
