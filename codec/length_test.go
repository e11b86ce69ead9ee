package codec

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
)

// fileHead is the fixed payload of a 1103 with the given sizes in it.
func fileHead(contentSize uint32, name string) []byte {
	b := make([]byte, encryptedFileBytes)
	binary.LittleEndian.PutUint32(b[clientIDBytes:], contentSize)
	copy(b[clientIDBytes+4:], name)
	return b
}

// TestContentLength has every length rule of PROTOCOL.md, section 1, Framing
// and section 2, at its edges.
func TestContentLength(t *testing.T) {
	const (
		most    = 4294967008 // the largest multiple of 16 that fits beside 275
		allOnes = 1<<32 - 1
	)
	for _, c := range []struct {
		dialect           Dialect
		payload, declared uint32
		length            int64
		reason            Reason
	}{
		{Documented, 275 + 16, 16, 16, ""},
		{Documented, 275 + most, most, most, ""},
		{Documented, 275 + 48, 37, 48, ""},
		{Documented, 275 + 48, 0, 48, ""},
		{Documented, 275 + 48, allOnes, 48, ""},
		{Documented, 275, 16, 16, ""},
		{Documented, 276, 16, 16, ""},
		{Documented, 275, allOnes - 15, allOnes - 15, ""},
		{Documented, 275, 0, 0, ReasonContentSize},
		{Documented, 276, 1, 1, ReasonContentSize},
		{Documented, 275 + 15, 15, 15, ReasonContentSize},
		{Documented, 275 + 17, 17, 17, ReasonContentSize},
		{Documented, allOnes, allOnes - 275, allOnes - 275, ReasonContentSize},
		{Documented, 275, 17, 0, ReasonFramingLost},
		{Documented, 276, 0, 0, ReasonFramingLost},
		{Documented, 276, 17, 0, ReasonFramingLost},
		{Documented, 277, 16, 0, ReasonFramingLost},
		{Documented, 275 + 17, 16, 0, ReasonFramingLost},
		{Documented, 275 + 17, 32, 0, ReasonFramingLost},
		{Documented, 274, 16, 0, ReasonFramingLost},
		{Documented, 274, allOnes, 0, ReasonFramingLost},
		{Documented, 275 - 16, allOnes - 15, 0, ReasonFramingLost},
		{Documented, 0, 16, 0, ReasonFramingLost},
		{Documented, allOnes, 16, 0, ReasonFramingLost},

		{Seed, 16 + 16 + 3, 16, 16, ""},
		{Seed, 0, 16, 16, ""},
		{Seed, allOnes, 48, 48, ""},
		{Seed, 275 + 32, 16, 16, ""},
		{Seed, 0, allOnes - 15, allOnes - 15, ""},
		{Seed, 16 + 0 + 3, 0, 0, ReasonContentSize},
		{Seed, 16 + 17 + 3, 17, 17, ReasonContentSize},
		{Seed, allOnes, allOnes - 19, allOnes - 19, ReasonContentSize},
		{Seed, 16 + 17 + 2, 17, 0, ReasonFramingLost},
		{Seed, 275 + 17, 17, 0, ReasonFramingLost},
		{Seed, 275 + 16, 17, 0, ReasonFramingLost},
		{Seed, 18, allOnes, 0, ReasonFramingLost},
		{Seed, 0, 0, 0, ReasonFramingLost},
	} {
		t.Run(fmt.Sprintf("%v_payload_%d_content_%d", c.dialect, c.payload, c.declared), func(t *testing.T) {
			length, refusal := contentLength(c.dialect, RequestHeader{PayloadSize: c.payload}, fileHead(c.declared, "abc"))
			var reason Reason
			if refusal != nil {
				reason = refusal.Reason
			}
			if length != c.length || reason != c.reason {
				t.Errorf("got %d %q, want %d %q", length, reason, c.length, c.reason)
			}
		})
	}
}

// TestSeedFileNameCountsToItsNUL has names at both ends of the field's width.
func TestSeedFileNameCountsToItsNUL(t *testing.T) {
	for name, length := range map[string]int{"": 0, "a\x00bc": 1, string(bytes.Repeat([]byte("n"), 255)): 255} {
		h := RequestHeader{PayloadSize: uint32(16 + 17 + length)}
		if _, refusal := contentLength(Seed, h, fileHead(17, name)); refusal == nil || refusal.Reason != ReasonContentSize {
			t.Errorf("a name of %d bytes: %v", length, refusal)
		}
	}
}

// TestFixedSizesComeFromTheCode sends every code with hostile payload sizes.
func TestFixedSizesComeFromTheCode(t *testing.T) {
	for _, m := range Requests {
		if m.Code == CodeEncryptedFile {
			continue
		}
		for _, size := range []uint32{0, 1, 254, 255, 270, 272, 416, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
			h := RequestHeader{Code: m.Code, PayloadSize: size}
			stream := append(h.append(nil), make([]byte, m.Size())...)
			stream = AppendRequest(stream, Documented, ClientID{}, CRCValidation{Verdict: CodeValidCRC})
			got := decode(t, whole(stream))
			if len(got.records) != 2 || !got.complete || got.records[1].header.Code != CodeValidCRC {
				t.Errorf("%v with payload size %d: %v", m.Code, size, got)
			}
		}
	}
}

// TestDialect has what each first request decides.
func TestDialect(t *testing.T) {
	long := string(bytes.Repeat([]byte("n"), 255))
	for _, c := range []struct {
		what    string
		code    Code
		size    uint32
		name    string
		dialect Dialect
	}{
		{"documented registration", CodeRegistration, 255, "alice", Documented},
		{"seed registration", CodeRegistration, 5, "alice", Seed},
		{"shortest seed name", CodeRegistration, 1, "a", Seed},
		{"longest seed name", CodeRegistration, 254, long[:254], Seed},
		{"no NUL", CodeRegistration, 255, long, Documented},
		{"empty name", CodeRegistration, 0, "", Documented},
		{"one too few", CodeRegistration, 4, "alice", Documented},
		{"one too many", CodeRegistration, 6, "alice", Documented},
		{"payload size 0", CodeRegistration, 0, "alice", Documented},
		{"documented key", CodePublicKey, 415, "alice", Documented},
		{"seed key", CodePublicKey, 165, "alice", Seed},
		{"longest seed name with key", CodePublicKey, 414, long[:254], Seed},
		{"no NUL with key", CodePublicKey, 415, long, Documented},
		{"empty name with key", CodePublicKey, 160, "", Documented},
		{"key with a registration's size", CodePublicKey, 5, "alice", Documented},
		{"registration with a key's size", CodeRegistration, 165, "alice", Documented},
		{"key with payload size 0", CodePublicKey, 0, "alice", Documented},
		{"valid CRC", CodeValidCRC, 5, "alice", Documented},
		{"unknown code", 1102, 5, "alice", Documented},
	} {
		t.Run(c.what, func(t *testing.T) {
			size, _ := requestSize(c.code)
			payload := make([]byte, max(size, int(c.size)))
			copy(payload, c.name)
			stream := append(RequestHeader{Code: c.code, PayloadSize: c.size}.append(nil), payload[:max(size, 5)]...)
			if got := decode(t, whole(stream)).dialect; got != c.dialect {
				t.Fatalf("got %v, want %v", got, c.dialect)
			}
			// Nothing that follows changes it.
			for _, d := range []Dialect{Documented, Seed} {
				stream = AppendRequest(stream, d, ClientID{}, Registration{Name: []byte("bob")})
			}
			if got := decode(t, whole(stream)); got.dialect != c.dialect || len(got.records) != 3 {
				t.Errorf("later requests changed %v: %v", c.dialect, got)
			}
		})
	}
}
