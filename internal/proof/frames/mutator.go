package main

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/sealquay/sealquay/codec"
)

// A mutator makes streams of frames and spoils them. It belongs to one
// goroutine.
type mutator struct {
	random *rand.Rand
	noise  [1024]byte
	stream []byte
}

func newMutator(seed, number uint64) *mutator {
	m := &mutator{random: rand.New(rand.NewPCG(seed, number))}
	for i := range m.noise {
		m.noise[i] = 1 + byte(m.random.UintN(255)) // no NUL: names would end early
	}
	return m
}

// dialects are those of a stream.
var dialects = [...]codec.Dialect{codec.Documented, codec.Seed}

func (m *mutator) dialect() codec.Dialect { return dialects[m.random.IntN(len(dialects))] }

// some returns up to most bytes of noise, now and then none.
func (m *mutator) some(most int) []byte {
	n := m.random.IntN(most + 1)
	from := m.random.IntN(len(m.noise) - n + 1)
	return m.noise[from : from+n]
}

func (m *mutator) id() (id codec.ClientID) {
	copy(id[:], m.some(len(id)))
	return id
}

// requestStream returns a stream of n spoilt requests, valid until the next call.
func (m *mutator) requestStream(n int) []byte {
	m.stream = m.stream[:0]
	d := m.dialect()
	for i := range n {
		from := len(m.stream)
		kind := m.random.IntN(5)
		if i == 0 {
			kind = m.random.IntN(3) // what decides about the dialect, mostly
		}
		m.appendRequest(d, kind)
		m.spoil(from)
	}
	return m.stream
}

func (m *mutator) appendRequest(d codec.Dialect, kind int) {
	id := m.id()
	var r codec.Request
	var content []byte
	switch kind {
	case 0:
		r = codec.Registration{Name: m.some(255)}
	case 1:
		r = codec.PublicKey{Name: m.some(255), Key: m.some(160)}
	case 2, 3:
		content = m.some(256)
		content = content[:len(content)/16*16]
		r = codec.EncryptedFile{ClientID: id, ContentSize: uint32(len(content)), FileName: m.some(255)}
	case 4:
		r = codec.CRCValidation{Verdict: codec.CodeValidCRC + codec.Code(m.random.IntN(3)), ClientID: id, FileName: m.some(255)}
	}
	m.stream = append(codec.AppendRequest(m.stream, d, id, r), content...)
}

// responseStream returns a stream of n spoilt responses, valid until the next call.
func (m *mutator) responseStream(n int) []byte {
	m.stream = m.stream[:0]
	d := m.dialect()
	for range n {
		from := len(m.stream)
		m.stream = codec.AppendResponse(m.stream, d, m.response())
		m.spoil(from)
	}
	return m.stream
}

func (m *mutator) response() codec.Response {
	switch m.random.IntN(5) {
	case 0:
		return codec.RegistrationApproved{ClientID: m.id()}
	case 1:
		return codec.KeyExchange{ClientID: m.id()}
	case 2:
		return codec.FileReceived{ClientID: m.id(), ContentSize: m.random.Uint32(), FileName: m.some(255), Cksum: m.random.Uint32()}
	case 3:
		return codec.Acknowledged{}
	}
	return codec.RegistrationError{}
}

// headerBytes is where the fields lie that decide about framing.
const headerBytes = codec.RequestHeaderBytes + 20

// spoil mutates the frame that begins at from up to three times, mostly in its
// header.
func (m *mutator) spoil(from int) {
	for range max(0, m.random.IntN(6)-2) { // half of the frames stay as they are
		length := len(m.stream) - from
		if length == 0 {
			return
		}
		if length > headerBytes && m.random.IntN(4) > 0 {
			length = headerBytes
		}
		m.spoilAt(from + m.random.IntN(length))
	}
}

func (m *mutator) spoilAt(at int) {
	rest := m.stream[at:]
	switch m.random.IntN(7) {
	case 0:
		rest[0] ^= 1 << m.random.IntN(8)
	case 1:
		rest[0] = byte(m.random.Uint32())
	case 2:
		if len(rest) >= 2 {
			binary.LittleEndian.PutUint16(rest, uint16(codes[m.random.IntN(len(codes))]))
		}
	case 3:
		if len(rest) >= 4 {
			binary.LittleEndian.PutUint32(rest, sizes[m.random.IntN(len(sizes))])
		}
	case 4: // a part is missing
		n := m.random.IntN(len(rest) + 1)
		m.stream = append(m.stream[:at], rest[n:]...)
	case 5: // something is added
		more := m.some(64)
		m.stream = append(m.stream, more...)
		copy(m.stream[at+len(more):], m.stream[at:])
		copy(m.stream[at:], more)
	case 6: // a field is empty
		clear(rest[:min(len(rest), 1+m.random.IntN(16))])
	}
}

// codes and sizes are values at which something is decided.
var (
	codes = [...]codec.Code{0, 1, 1099, 1100, 1101, 1102, 1103, 1104, 1105, 1106, 1107, 2100, 2101, 2102, 2103, 2104, 1<<16 - 1}
	sizes = [...]uint32{0, 1, 4, 15, 16, 17, 32, 48, 160, 254, 255, 256, 271, 274, 275, 276, 277, 291, 292, 307, 415, 416,
		1<<31 - 1, 1 << 31, 1<<32 - 292, 1<<32 - 288, 1<<32 - 275, 1<<32 - 16, 1<<32 - 1}
)
