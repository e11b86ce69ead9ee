package bench

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A seedServer does what the seed's Python server does: it takes each request
// with one recv of up to 1024 bytes and fails if more than the request is in
// it, writes headers of 8 bytes and the cksum in digits, and closes after a file.
type seedServer struct {
	net.Listener
	running sync.WaitGroup

	mu     sync.Mutex
	files  int
	faults []string
}

func newSeedServer(t *testing.T) *seedServer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &seedServer{Listener: l}
	s.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.running.Go(func() {
				defer conn.Close()
				if err := s.serve(conn); err != nil {
					s.mu.Lock()
					s.faults = append(s.faults, err.Error())
					s.mu.Unlock()
				}
			})
		}
	})
	t.Cleanup(s.finish)
	return s
}

func (s *seedServer) finish() {
	s.Close()
	s.running.Wait()
}

// receive is one recv(1024). A client that has gone is no fault.
func receive(conn net.Conn, size int) ([]byte, error) {
	packet := make([]byte, 1024)
	n, err := conn.Read(packet)
	if err != nil {
		return nil, nil
	}
	if n != size {
		return nil, fmt.Errorf("%d bytes in one recv, not %d", n, size)
	}
	return packet[:n], nil
}

func (s *seedServer) serve(conn net.Conn) error {
	packet, err := receive(conn, 23+255)
	if packet == nil {
		return err
	}
	id := make([]byte, 16)
	copy(id, "an id of the seed")
	say(conn, 2100, 16, id)
	if packet, err = receive(conn, 23+415); packet == nil {
		return err
	}
	key := []byte("sixteen bytes..!")
	say(conn, 2102, 16+128, id, seal(packet[23+255:], key))
	if packet, err = receive(conn, 298); packet == nil {
		return err
	}
	content := make([]byte, binary.LittleEndian.Uint32(packet[39:]))
	if _, err := io.ReadFull(conn, content); err != nil {
		return err
	}
	size := uint32(len(content))
	plain := decrypt(key, content)
	name := text(packet[43:])
	name = name[:len(name)-len(".enc")]
	crc := []byte(strconv.FormatUint(uint64(crc32.ChecksumIEEE(plain)), 10))
	field := append([]byte(name), make([]byte, 255-len(name))...)
	say(conn, 2103, 16+size+uint32(len(name)+len(crc)), id, packet[39:43], field, crc)
	if packet, err = receive(conn, 23+271); packet == nil {
		return err
	}
	s.mu.Lock()
	s.files++
	s.mu.Unlock()
	say(conn, 2104, 0)
	return nil
}

func say(conn net.Conn, code uint16, size uint32, payload ...[]byte) {
	answer := binary.LittleEndian.AppendUint16([]byte{3, 0}, code)
	answer = binary.LittleEndian.AppendUint32(answer, size)
	for _, p := range payload {
		answer = append(answer, p...)
	}
	conn.Write(answer)
}

func TestDrivesTheSeedsServer(t *testing.T) {
	server := newSeedServer(t)
	target := server.Addr().String()
	dialect, err := Probe(t.Context(), &Plan{Target: target, Timeout: 10 * time.Second}, "probe")
	if err != nil || dialect != "seed" {
		t.Fatalf("it speaks %q, %v", dialect, err)
	}
	for _, precompute := range []bool{false, true} {
		plan := small()
		plan.Target, plan.Dialect, plan.Precompute = target, dialect, precompute
		plan.Stages = Stages{{time.Minute, 8, 8}}
		plan.MaxSessions, plan.Pause = 8, 300*time.Millisecond // the test may share the machine
		r, err := New(t.Context(), plan, Options{Keys: testKeys()})
		if err != nil {
			t.Fatal(err)
		}
		if result := r.Run(t.Context()); result.Sessions != 8 {
			t.Errorf("%d sessions, %v", result.Sessions, result.Failures)
		}
	}
	server.finish()
	if server.files != 16 || len(server.faults) > 0 {
		t.Errorf("%d files, %q", server.files, server.faults)
	}
}
