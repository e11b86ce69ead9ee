package codec

import (
	"bytes"
	"errors"
	"testing"
)

// sample returns a session of the documented dialect with 48 bytes of content.
func sample() []byte {
	id := ClientID{1, 2, 3}
	name := []byte("notes.txt")
	b := AppendRequest(nil, Documented, ClientID{}, Registration{Name: []byte("alice")})
	b = AppendRequest(b, Documented, id, PublicKey{Name: []byte("alice"), Key: []byte("key")})
	b = AppendRequest(b, Documented, id, EncryptedFile{ClientID: id, ContentSize: 48, FileName: name})
	b = append(b, bytes.Repeat([]byte("0123456789abcdef"), 3)...)
	return AppendRequest(b, Documented, id, CRCValidation{Verdict: CodeValidCRC, ClientID: id, FileName: name})
}

func TestBetween(t *testing.T) {
	stream := sample()
	ends := map[int]bool{0: true, 278: true, 716: true, 1062: true, 1356: true}
	d := new(Decoder)
	for at := range len(stream) + 1 {
		if d.Between() != ends[at] {
			t.Fatalf("after %d bytes Between is %v", at, d.Between())
		}
		if at < len(stream) {
			if n, _, err := d.Next(stream[at : at+1]); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
	}
}

func TestBetweenInsideASkippedPayload(t *testing.T) {
	d := new(Decoder)
	stream := append(RequestHeader{Code: 7, PayloadSize: 2}.append(nil), 1, 2)
	for _, c := range []struct {
		n    int
		kind EventKind
		then bool
	}{{23, EventRefused, false}, {1, EventNone, false}, {1, EventNone, true}} {
		n, e, err := d.Next(stream[:c.n])
		if n != c.n || e.Kind != c.kind || err != nil || d.Between() != c.then || d.Skipping() == c.then {
			t.Fatalf("got %d, kind %d, %v, Between %v, Skipping %v; want %+v", n, e.Kind, err, d.Between(), d.Skipping(), c)
		}
		stream = stream[n:]
	}
}

// TestSkipContentOfARefusedRequest changes nothing: its bytes are passed over
// already.
func TestSkipContentOfARefusedRequest(t *testing.T) {
	d := new(Decoder)
	if _, e, err := d.Next(RequestHeader{Code: 7, PayloadSize: 300}.append(nil)); e.Kind != EventRefused || err != nil {
		t.Fatal(e.Kind, err)
	}
	d.SkipContent()
	if n, e, err := d.Next(make([]byte, 301)); n != 300 || e.Kind != EventNone || err != nil || !d.Between() {
		t.Errorf("got %d, kind %d, %v, Between %v", n, e.Kind, err, d.Between())
	}
}

func TestBetweenAfterLostFraming(t *testing.T) {
	d := new(Decoder)
	stream := append(RequestHeader{Code: CodeEncryptedFile}.append(nil), fileHead(16, "a")...)
	n, e, err := d.Next(stream)
	var reason *Error
	if n != len(stream) || e.Kind != EventRefused || !errors.As(err, &reason) || reason.Reason != ReasonFramingLost {
		t.Fatal(n, e.Kind, err)
	}
	if d.Between() {
		t.Error("the decoder stands between two requests where it cannot know")
	}
}

func TestNothingComesOfNoBytes(t *testing.T) {
	d := new(Decoder)
	for stream := sample(); len(stream) > 0; {
		if n, e, err := d.Next(nil); n != 0 || e.Kind != EventNone || err != nil {
			t.Fatalf("with %d bytes to come: %d, kind %d, %v", len(stream), n, e.Kind, err)
		}
		n, _, err := d.Next(stream[:1])
		if n == 0 || err != nil {
			t.Fatal(n, err)
		}
		stream = stream[n:]
	}
}

// TestSkipContent refuses the file at its head, after a byte of content, and
// before the last.
func TestSkipContent(t *testing.T) {
	for _, before := range []int64{0, 1, 47} {
		d := new(Decoder)
		requests, content := 0, int64(0)
		for stream := sample(); len(stream) > 0; stream = stream[1:] {
			_, e, err := d.Next(stream[:1])
			if err != nil {
				t.Fatal(err)
			}
			switch e.Kind {
			case EventRequest:
				requests++
			case EventContent:
				content++
			}
			if left := d.ContentLeft(); left > 0 && left == 48-before {
				d.SkipContent()
				if d.ContentLeft() != 0 || d.Between() {
					t.Fatalf("after SkipContent: %d left, Between %v", d.ContentLeft(), d.Between())
				}
			}
		}
		if requests != 4 || content != before || !d.Between() {
			t.Errorf("skipped after %d: %d requests, %d bytes of content", before, requests, content)
		}
	}
}

// TestFrameLivesUntilTheNextCall looks at a frame that was held after all its
// input is gone.
func TestFrameLivesUntilTheNextCall(t *testing.T) {
	d := new(Decoder)
	stream := sample()[:278]
	first, second := stream[:100], stream[100:]
	if _, e, _ := d.Next(first); e.Kind != EventNone {
		t.Fatal(e.Kind)
	}
	clear(first)
	_, e, _ := d.Next(second)
	clear(second)
	if m, err := ParseRegistration(e.Frame); err != nil || string(m.Name) != "alice" {
		t.Errorf("got %q, %v", m.Name, err)
	}
}

// TestWholeRequestsAreNotCopied: a connection whose requests come whole holds
// no memory in its decoder.
func TestWholeRequestsAreNotCopied(t *testing.T) {
	d := new(Decoder)
	stream := sample()[:278]
	n, e, err := d.Next(stream)
	if n != 278 || err != nil || d.held != nil || &e.Frame.Payload[0] != &stream[RequestHeaderBytes] {
		t.Errorf("got %d, %v; %d bytes are held", n, err, cap(d.held))
	}
}

// TestAliasesCannotGrow appends to what was given out: the bytes behind it must
// not change.
func TestAliasesCannotGrow(t *testing.T) {
	stream := sample()
	want := bytes.Clone(stream)
	d := new(Decoder)
	for rest := stream; len(rest) > 0; {
		n, e, err := d.Next(rest)
		if n == 0 || err != nil {
			t.Fatal(n, err)
		}
		_ = append(e.Data, 0xEE)
		_ = append(e.Frame.Payload, 0xEE)
		if e.Kind == EventRequest {
			appendToFields(t, e.Frame)
		}
		rest = rest[n:]
	}
	if !bytes.Equal(stream, want) {
		t.Error("an append to an event changed the input behind it")
	}
}

func appendToFields(t *testing.T, f Frame) {
	r, err := parseRequest(f)
	if err != nil {
		t.Fatal(err)
	}
	switch m := r.(type) {
	case Registration:
		_ = append(m.Name, 0xEE)
	case PublicKey:
		_, _ = append(m.Name, 0xEE), append(m.Key, 0xEE)
	case EncryptedFile:
		_ = append(m.FileName, 0xEE)
	case CRCValidation:
		_ = append(m.FileName, 0xEE)
	}
}

// TestShortRegistration asks after every byte of several streams.
func TestShortRegistration(t *testing.T) {
	registration := func(size uint32, name string) []byte {
		field := make([]byte, textBytes)
		copy(field, name)
		return append(RequestHeader{Code: CodeRegistration, PayloadSize: size}.append(nil), field...)
	}
	seed := AppendRequest(nil, Seed, ClientID{}, Registration{Name: []byte("bob")})
	for _, c := range []struct {
		what   string
		stream []byte
		at     int // the only offset where it may be one; -1: nowhere
	}{
		{"length of the name", registration(5, "alice"), 28},
		{"longest name", registration(254, "alice"), 277},
		{"payload size 0", registration(0, "alice"), -1},
		{"documented", registration(255, "alice"), -1},
		{"another code", append(RequestHeader{Code: CodeValidCRC, PayloadSize: 5}.append(nil), "alice"...), -1},
		{"after documented requests", append(sample(), registration(5, "alice")...), 1356 + 28},
		{"in the seed's dialect", append(seed, seed...), 26},
	} {
		t.Run(c.what, func(t *testing.T) {
			d := new(Decoder)
			for at := 1; at <= len(c.stream); at++ {
				if _, _, err := d.Next(c.stream[at-1 : at]); err != nil {
					t.Fatal(err)
				}
				if got := d.ShortRegistration(); got != (at == c.at) {
					t.Fatalf("after %d bytes: %v", at, got)
				}
			}
		})
	}
}

// TestTakeShortRegistration goes on in the documented dialect, even where the
// padding of the seed's comes after the grace.
func TestTakeShortRegistration(t *testing.T) {
	d := new(Decoder)
	header := RequestHeader{ClientID: ClientID{9}, Version: 3, Code: CodeRegistration, PayloadSize: 5}
	if n, e, err := d.Next(append(header.append(nil), "alice"...)); n != 28 || e.Kind != EventNone || err != nil {
		t.Fatal(n, e.Kind, err)
	}
	if d.Between() || !d.ShortRegistration() {
		t.Fatal("the registration is not seen")
	}
	e := d.TakeShortRegistration()
	m, err := ParseRegistration(e.Frame)
	if e.Kind != EventRequest || e.Frame.Header != header || e.Frame.Dialect != Documented || string(m.Name) != "alice" || err != nil {
		t.Errorf("got %+v, %v", e, err)
	}
	if !d.Between() || d.ShortRegistration() || d.Dialect() != Documented {
		t.Errorf("afterwards: Between %v, short %v, %v", d.Between(), d.ShortRegistration(), d.Dialect())
	}
	if n, e, err := d.Next(sample()); n != 278 || e.Kind != EventRequest || err != nil {
		t.Errorf("the next request: %d, kind %d, %v", n, e.Kind, err)
	}
}

// TestSteadyStateAllocatesNothing decodes sessions whole and in two pieces.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	stream := sample()
	for name, at := range map[string]int{
		"whole": len(stream), "cut in a header": 10, "cut in a payload": 400, "cut in content": 1030,
	} {
		d := new(Decoder)
		pass := func() {
			for _, p := range [][]byte{stream[:at], stream[at:]} {
				for len(p) > 0 {
					n, e, err := d.Next(p)
					if n == 0 || err != nil {
						t.Fatal(n, err)
					}
					if e.Kind == EventRequest {
						useRequest(t, e.Frame)
					}
					p = p[n:]
				}
			}
		}
		pass()
		if got := testing.AllocsPerRun(100, pass); got != 0 {
			t.Errorf("%s: %v allocations per session of 4 requests", name, got)
		}
	}
}

// useRequest parses a request as handlers do, without an interface around it.
func useRequest(t testing.TB, f Frame) {
	var err error
	switch f.Header.Code {
	case CodeRegistration:
		_, err = ParseRegistration(f)
	case CodePublicKey:
		_, err = ParsePublicKey(f)
	case CodeEncryptedFile:
		_, err = ParseEncryptedFile(f)
	default:
		_, err = ParseCRCValidation(f)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What a connection cut short had begun, and that a silent one holds no memory.
func TestInPayloadAndRelease(t *testing.T) {
	request := AppendRequest(nil, Documented, ClientID{}, Registration{Name: []byte("name")})
	var d Decoder
	for n := range len(request) {
		if d.InPayload() != (n >= RequestHeaderBytes) {
			t.Errorf("in the payload after %d bytes: %v", n, d.InPayload())
		}
		d.Release() // takes nothing that is needed
		_, event, err := d.Next(request[n : n+1])
		if err != nil || (event.Kind == EventRequest) != (n == len(request)-1) {
			t.Fatalf("byte %d: event %v, error %v", n, event.Kind, err)
		}
	}
	if d.InPayload() || d.held == nil {
		t.Errorf("after the request: in the payload %v, memory %d", d.InPayload(), cap(d.held))
	}
	d.Release()
	if d.held != nil || !d.Between() {
		t.Errorf("after the release: memory %d, between requests %v", cap(d.held), d.Between())
	}
	if n, event, err := d.Next(request); n != len(request) || event.Kind != EventRequest || err != nil {
		t.Errorf("the next request: %d bytes, event %v, error %v", n, event.Kind, err)
	}
}
