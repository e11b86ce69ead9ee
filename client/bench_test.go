package client

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net"
	"testing"

	"github.com/sealquay/sealquay/codec"
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

func BenchmarkSend1KiB(b *testing.B)  { benchmarkSend(b, 1<<10) }
func BenchmarkSend64MiB(b *testing.B) { benchmarkSend(b, 64<<20) }
