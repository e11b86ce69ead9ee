package client

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// A seedServer stands in for the seed's Python server. It does what that one
// does, in its order, with one recv(1024) for each request: registration, key,
// file, and up to three verdicts, then it closes. What it cannot unpack it does
// not answer. It serves one connection at a time.
type seedServer struct {
	t        *testing.T
	listener net.Listener
	running  sync.WaitGroup

	clients  map[string][]byte
	stored   map[string][]byte
	verdicts []uint16
	faults   []string // what could not be unpacked
	wrong    int      // so many CRCs are wrong
	padded   bool     // the cksum is padded, as sealquay does in this dialect
}

func newSeedServer(t *testing.T) *seedServer {
	s := &seedServer{t: t, listener: listen(t), clients: map[string][]byte{}, stored: map[string][]byte{}}
	s.running.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.serve(conn)
			conn.Close()
		}
	})
	t.Cleanup(s.finish)
	return s
}

func (s *seedServer) finish() {
	s.listener.Close()
	s.running.Wait()
}

// receive is one recv(1024), which must hold exactly one request.
func (s *seedServer) receive(conn net.Conn, size int) []byte {
	packet := make([]byte, 1024)
	n, _ := conn.Read(packet)
	if n == size {
		return packet[:n]
	}
	if n > 0 {
		s.faults = append(s.faults, strconv.Itoa(n)+" bytes, not "+strconv.Itoa(size))
	}
	return nil
}

func (s *seedServer) serve(conn net.Conn) {
	name := "{}" // what its template holds before
	if packet := s.receive(conn, 23+255); packet != nil {
		name = string(packet[23:][:binary.LittleEndian.Uint32(packet[19:])])
		if _, taken := s.clients[name]; taken {
			s.send(conn, 2101, 0)
		} else {
			s.clients[name] = bytes.Repeat([]byte{byte(len(s.clients) + 0xc1)}, 16)
			s.send(conn, 2100, 16, s.clients[name])
		}
	}
	key := bytes.Repeat([]byte{0x5e}, 16)
	if packet := s.receive(conn, 23+415); packet != nil && s.clients[name] != nil {
		s.send(conn, 2102, 16+128, s.clients[name], sealFor(s.t, packet[23+255:], key))
	}
	if !s.receiveFile(conn, name, key) {
		return
	}
	for range 3 {
		packet := s.receive(conn, 23+271)
		if packet == nil {
			continue
		}
		code := binary.LittleEndian.Uint16(packet[17:])
		s.verdicts = append(s.verdicts, code)
		switch code {
		case 1104:
			s.send(conn, 2104, 0)
			return
		case 1105:
			s.receiveFile(conn, name, key)
		case 1106:
			return
		}
	}
}

// receiveFile reports whether the connection is still open.
func (s *seedServer) receiveFile(conn net.Conn, client string, key []byte) bool {
	packet := s.receive(conn, 298)
	if packet == nil {
		return true
	}
	size := binary.LittleEndian.Uint32(packet[39:])
	name := string(packet[43:][:binary.LittleEndian.Uint32(packet[19:])-size-16])
	content := make([]byte, size)
	if _, err := io.ReadFull(conn, content); err != nil || strings.ContainsRune(client, 0) {
		return false // no folder can have that name: it closes
	}
	plain := decrypt(key, content)
	name = name[:len(name)-4]
	s.stored[client+"/"+name] = plain
	crc := crc32.ChecksumIEEE(plain)
	if s.wrong > 0 {
		s.wrong--
		crc ^= 1
	}
	digits := []byte(strconv.FormatUint(uint64(crc), 10))
	declared := 16 + size + uint32(utf8.RuneCountInString(name)) + uint32(len(digits))
	if s.padded {
		digits = append(digits, zeros[len(digits):]...)
		declared = 285
	}
	field := append([]byte(name), make([]byte, 255-len(name))...)
	s.send(conn, 2103, declared, s.clients[client], packet[39:43], field, digits)
	return true
}

// send writes a response with the header of a C struct: a zero byte aligns the
// code.
func (s *seedServer) send(conn net.Conn, code uint16, size uint32, payload ...[]byte) {
	response := binary.LittleEndian.AppendUint16([]byte{3, 0}, code)
	response = binary.LittleEndian.AppendUint32(response, size)
	conn.Write(append(response, bytes.Join(payload, nil)...))
}
