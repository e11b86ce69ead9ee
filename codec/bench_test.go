package codec

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"testing"
)

// BenchmarkContent decodes content in chunks. "decoder" finds out whose bytes
// they are, which needs no look at them; "decoder+copy" also moves them to
// where they are to be worked on; "copy" is the limit: the same without a decoder.
func BenchmarkContent(b *testing.B) {
	for _, chunk := range []struct {
		name string
		size int
	}{{"4KiB", 4 << 10}, {"256KiB", 256 << 10}} {
		in, out := bytes.Repeat([]byte("sealquay"), chunk.size/8), make([]byte, chunk.size)
		b.Run(chunk.name+"/decoder", func(b *testing.B) { benchmarkContent(b, in, nil) })
		b.Run(chunk.name+"/decoder+copy", func(b *testing.B) { benchmarkContent(b, in, out) })
		b.Run(chunk.name+"/copy", func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				copy(out, in)
			}
		})
	}
}

// benchmarkContent decodes in as content, over and over, with a head before
// every 4 GiB of it.
func benchmarkContent(b *testing.B, in, out []byte) {
	d := new(Decoder)
	head := AppendRequest(nil, Documented, ClientID{}, EncryptedFile{ContentSize: MaxPlainSize + 1})
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if d.ContentLeft() < int64(len(in)) {
			d.SkipContent()
			d.skip = 0
			if _, e, err := d.Next(head); e.Kind != EventRequest || err != nil {
				b.Fatal(e.Kind, err)
			}
		}
		n, e, err := d.Next(in)
		if n != len(in) || err != nil {
			b.Fatal(n, err)
		}
		copy(out, e.Data)
	}
}

// BenchmarkRequests decodes and parses requests of one kind: whole in the
// input, 32 at a time; cut in two, in the header and in the payload; and the
// limit, a loop over the same bytes that only copies each request and looks at
// its code.
func BenchmarkRequests(b *testing.B) {
	for _, r := range []Request{
		Registration{Name: []byte("alice")},
		PublicKey{Name: []byte("alice"), Key: []byte("key")},
		CRCValidation{Verdict: CodeValidCRC, FileName: []byte("notes.txt")},
	} {
		name, one := strconv.Itoa(int(r.code())), AppendRequest(nil, Documented, ClientID{1}, r)
		b.Run(name+"/whole", func(b *testing.B) {
			benchmarkRequests(b, 32, bytes.Repeat(one, 32))
		})
		b.Run(name+"/cut_in_header", func(b *testing.B) { benchmarkRequests(b, 1, one[:10], one[10:]) })
		b.Run(name+"/cut_in_payload", func(b *testing.B) { benchmarkRequests(b, 1, one[:200], one[200:]) })
		b.Run(name+"/copy", func(b *testing.B) { benchmarkCopies(b, bytes.Repeat(one, 32), len(one)) })
	}
}

// benchmarkRequests decodes the pieces, which hold n requests, over and over.
func benchmarkRequests(b *testing.B, n int, pieces ...[]byte) {
	d := new(Decoder)
	b.ReportAllocs()
	rounds := 0
	for b.Loop() {
		found := 0
		for _, p := range pieces {
			for len(p) > 0 {
				took, e, err := d.Next(p)
				if err != nil {
					b.Fatal(err)
				}
				if e.Kind == EventRequest {
					useRequest(b, e.Frame)
					found++
				}
				p = p[took:]
			}
		}
		if found != n {
			b.Fatal(found)
		}
		rounds++
	}
	reportRequests(b, n*rounds)
}

func benchmarkCopies(b *testing.B, stream []byte, size int) {
	var held [longestRequest]byte
	b.ReportAllocs()
	rounds, codes := 0, 0
	for b.Loop() {
		for p := stream; len(p) > 0; p = p[size:] {
			copy(held[:], p[:size])
			codes += int(binary.LittleEndian.Uint16(held[clientIDBytes+1:]))
		}
		rounds++
	}
	if codes == 0 {
		b.Fatal("no codes")
	}
	reportRequests(b, rounds*len(stream)/size)
}

func reportRequests(b *testing.B, n int) {
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/req")
	b.ReportMetric(0, "ns/op")
}
