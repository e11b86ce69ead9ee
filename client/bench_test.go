package client

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net"
	"testing"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/crypt"
)

// benchmarkSend sends one file again and again to a server that only reads and
// answers from prepared bytes.
func benchmarkSend(b *testing.B, size int) {
	content := random(size)
	id := codec.ClientID(bytes.Repeat([]byte{7}, 16))
	sealed := binary.LittleEndian.AppendUint32(nil, uint32(size/16*16+16))
	received := documented(2103, id[:], sealed, append([]byte("a"), make([]byte, 254)...),
		binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(content)))
	acknowledged := documented(2104)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	served := make(chan struct{})
	go func() {
		defer close(served)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		buffer := make([]byte, 256<<10)
		for {
			for left := 298 + size/16*16 + 16; left > 0; {
				n, err := conn.Read(buffer[:min(left, len(buffer))])
				if err != nil {
					return
				}
				left -= n
			}
			conn.Write(received)
			if _, err := io.ReadFull(conn, buffer[:294]); err != nil {
				return
			}
			conn.Write(acknowledged)
		}
	}()
	s, err := Dial(context.Background(), Options{Server: l.Addr().String()})
	if err != nil {
		b.Fatal(err)
	}
	s.keyed = true
	s.Resume(id)
	f := file(content)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Send(context.Background(), f, nil); err != nil {
			b.Fatal(err)
		}
	}
	s.Close()
	<-served
}

func BenchmarkSend1KiB(b *testing.B) { benchmarkSend(b, 1<<10) }

// BenchmarkSend64MiB is one stream, and what share it is of its limit: CBC
// encrypts one block after the other, here with both checksums and nothing else.
// Reading, sealing and writing overlap, so that a machine with a processor for
// each comes near 1.
func BenchmarkSend64MiB(b *testing.B) {
	const size = 64 << 20
	limit := sealingRate(size)
	benchmarkSend(b, size)
	b.ReportMetric(float64(b.N)*size/b.Elapsed().Seconds()/limit, "of-sealing")
}

// sealingRate is how many bytes are sealed in a second, in pieces that stay in
// the cache: the best of five.
func sealingRate(size int) (best float64) {
	piece, key := make([]byte, largeBuffer), crypt.NewKey()
	for range 5 {
		sealer, start := crypt.NewSealer(&key), time.Now()
		for range size / len(piece) {
			sealer.Seal(piece, piece)
		}
		best = max(best, float64(size)/time.Since(start).Seconds())
	}
	return best
}
