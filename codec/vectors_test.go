package codec

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
)

// A vector is one entry of testdata/vectors, which its README describes.
type vector struct {
	Name        string
	Description string
	Section     string
	Dialect     string
	Bytes       hexBytes
	Pauses      []int
	Canonical   bool
	Complete    bool
	Expect      []expectation
}

type expectation struct {
	Event         string
	Code          Code
	Header        *vectorHeader  `json:",omitempty"`
	Payload       *vectorPayload `json:",omitempty"`
	ContentLength int64          `json:"content_length,omitempty"`
	Bytes         hexBytes       `json:",omitempty"`
	Reason        Reason         `json:",omitempty"`
}

type vectorHeader struct {
	ClientID    hexBytes `json:"client_id"`
	Version     uint8
	PayloadSize uint32 `json:"payload_size"`
}

type vectorPayload struct {
	ClientID     hexBytes `json:"client_id"`
	Name         string
	PublicKey    hexBytes `json:"public_key"`
	ContentSize  uint32   `json:"content_size"`
	FileName     string   `json:"file_name"`
	EncryptedKey hexBytes `json:"encrypted_aes_key"`
	Cksum        uint32
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

func readVectors(t testing.TB, file string) []vector {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "vectors", file))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&vectors); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return vectors
}

func TestRequestVectors(t *testing.T) {
	for _, v := range readVectors(t, "requests.json") {
		t.Run(v.Name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, uint64(len(v.Bytes))))
			all := cuttings(v.Bytes, v.Pauses)
			for range 50 {
				all = append(all, cut(v.Bytes, v.Pauses, func(left int) int { return random.IntN(left) + 1 }))
			}
			for _, pieces := range all {
				got := decode(t, pieces...)
				events := expectations(t, got)
				if !reflect.DeepEqual(events, v.Expect) || got.complete != v.Complete || got.dialect.String() != v.Dialect {
					t.Fatalf("in %d pieces:\n%vwant %s, complete %v\n%+v", len(pieces), got, v.Dialect, v.Complete, v.Expect)
				}
			}
			if written := writeRequests(t, v); v.Canonical && !bytes.Equal(written, v.Bytes) {
				t.Errorf("written back\n%x\nwant\n%x", written, v.Bytes)
			}
		})
	}
}

func expectations(t *testing.T, r recording) []expectation {
	events := []expectation{}
	for _, one := range r.records {
		e := expectation{Event: one.kind}
		switch one.kind {
		case "content":
			e.Bytes = hexBytes(one.data)
		case "refused":
			e.Code, e.Reason = one.header.Code, one.reason
		case "request":
			m, err := parseRequest(Frame{Header: one.header, Payload: []byte(one.payload)})
			if err != nil {
				t.Fatal(err)
			}
			e.Code, e.Payload, e.ContentLength = one.header.Code, requestPayload(m), one.content
			e.Header = &vectorHeader{one.header.ClientID[:], one.header.Version, one.header.PayloadSize}
		}
		events = append(events, e)
	}
	return events
}

func requestPayload(r Request) *vectorPayload {
	switch m := r.(type) {
	case Registration:
		return &vectorPayload{Name: string(m.Name)}
	case PublicKey:
		return &vectorPayload{Name: string(m.Name), PublicKey: m.Key}
	case EncryptedFile:
		return &vectorPayload{ClientID: m.ClientID[:], ContentSize: m.ContentSize, FileName: string(m.FileName)}
	}
	m := r.(CRCValidation)
	return &vectorPayload{ClientID: m.ClientID[:], FileName: string(m.FileName)}
}

// writeRequests encodes what a vector expects.
func writeRequests(t *testing.T, v vector) (stream []byte) {
	dialect := dialectNamed(t, v.Dialect)
	for _, e := range v.Expect {
		if e.Event == "content" {
			stream = append(stream, e.Bytes...)
		}
		if e.Event == "request" {
			stream = AppendRequest(stream, dialect, ClientID(e.Header.ClientID), requestOf(e))
		}
	}
	return stream
}

func requestOf(e expectation) Request {
	p := e.Payload
	switch e.Code {
	case CodeRegistration:
		return Registration{Name: []byte(p.Name)}
	case CodePublicKey:
		return PublicKey{Name: []byte(p.Name), Key: p.PublicKey}
	case CodeEncryptedFile:
		return EncryptedFile{ClientID: ClientID(p.ClientID), ContentSize: p.ContentSize, FileName: []byte(p.FileName)}
	}
	return CRCValidation{Verdict: e.Code, ClientID: ClientID(p.ClientID), FileName: []byte(p.FileName)}
}

func dialectNamed(t *testing.T, name string) Dialect {
	for _, d := range []Dialect{Undecided, Documented, Seed} {
		if d.String() == name {
			return d
		}
	}
	t.Fatalf("no dialect is called %q", name)
	return Undecided
}

func TestResponseVectors(t *testing.T) {
	for _, v := range readVectors(t, "responses.json") {
		t.Run(v.Name, func(t *testing.T) {
			for _, pieces := range cuttings(v.Bytes, nil) {
				got, err := decodeResponses(t, pieces...)
				want := responsesOf(v)
				if !reflect.DeepEqual(got.responses, want) || got.dialect.String() != v.Dialect {
					t.Fatalf("in %d pieces: %v\ngot  %v\nwant %v", len(pieces), got.dialect, got.responses, want)
				}
				if fails := len(want) < len(v.Expect); fails != (err != nil) {
					t.Fatalf("in %d pieces: error %v, want one: %v", len(pieces), err, fails)
				}
				if v.Complete != got.complete {
					t.Fatalf("in %d pieces: complete %v, want %v", len(pieces), got.complete, v.Complete)
				}
			}
			var written []byte
			for _, r := range responsesOf(v) {
				written = AppendResponse(written, dialectNamed(t, v.Dialect), r)
			}
			if v.Canonical && !bytes.Equal(written, v.Bytes) {
				t.Errorf("written back\n%x\nwant\n%x", written, v.Bytes)
			}
		})
	}
}

// responsesOf returns the responses that a vector expects, without the error.
func responsesOf(v vector) []Response {
	var all []Response
	for _, e := range v.Expect {
		if e.Event == "response" {
			all = append(all, responseOf(e))
		}
	}
	return all
}

func responseOf(e expectation) Response {
	p := e.Payload
	switch e.Code {
	case CodeRegistrationApproved:
		return RegistrationApproved{ClientID: ClientID(p.ClientID)}
	case CodeKeyExchange:
		return KeyExchange{ClientID: ClientID(p.ClientID), EncryptedKey: [sealedKeyBytes]byte(p.EncryptedKey)}
	case CodeFileReceived:
		return FileReceived{ClientID(p.ClientID), p.ContentSize, []byte(p.FileName), p.Cksum}
	case CodeAcknowledged:
		return Acknowledged{}
	}
	return RegistrationError{}
}

// TestVectorsAreGenerated holds the files against the program that writes them.
func TestVectorsAreGenerated(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 to run generate.py with")
	}
	out, err := exec.Command(python, filepath.Join("testdata", "vectors", "generate.py"), "--check").CombinedOutput()
	if err != nil {
		t.Errorf("generate.py --check: %v\n%s", err, out)
	}
}
