package deploy

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// A tap stands between a client and a server and keeps what they say.
type tap struct {
	listener net.Listener
	server   string
	done     sync.WaitGroup

	mu   sync.Mutex
	said pcap
}

func newTap(t *testing.T, server string) *tap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &tap{listener: l, server: server}
	t.Cleanup(func() { _ = l.Close() })
	a.done.Go(a.pass)
	return a
}

func (a *tap) addr() string { return a.listener.Addr().String() }

// pass lets one connection through.
func (a *tap) pass() {
	client, err := a.listener.Accept()
	if err != nil {
		return
	}
	defer client.Close()
	server, err := net.Dial("tcp", a.server)
	if err != nil {
		return
	}
	defer server.Close()
	a.done.Go(func() { a.copy(server, client, true) })
	a.copy(client, server, false)
}

func (a *tap) copy(to, from net.Conn, fromClient bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		a.mu.Lock()
		a.said.add(fromClient, buf[:n])
		a.mu.Unlock()
		if _, failed := to.Write(buf[:n]); failed != nil || err != nil {
			if end, ok := to.(*net.TCPConn); ok && err == io.EOF {
				_ = end.CloseWrite()
			}
			return
		}
	}
}

// capture returns the path of a capture of the connection, once it has ended.
func (a *tap) capture(t *testing.T) string {
	t.Helper()
	a.done.Wait()
	return a.said.write(t)
}

// A pcap is a capture of one connection to port 1234: IPv4 and TCP around what
// was said, in segments of at most 1000 bytes.
type pcap struct {
	packets  []byte
	count    uint32
	sequence [2]uint32 // of the server and of the client
}

func (p *pcap) add(fromClient bool, said []byte) {
	for len(said) > 0 {
		segment := said[:min(len(said), 1000)]
		said = said[len(segment):]
		from, to := 0, 1
		ports := [2]uint16{1234, 40000}
		if fromClient {
			from, to = 1, 0
		}
		packet := []byte{0x45, 0}
		packet = binary.BigEndian.AppendUint16(packet, uint16(40+len(segment)))
		packet = append(packet, 0, 0, 0x40, 0, 64, 6, 0, 0) // no fragments, TCP, checksum unset
		packet = append(packet, 127, 0, 0, byte(1+from), 127, 0, 0, byte(1+to))
		packet = binary.BigEndian.AppendUint16(packet, ports[from])
		packet = binary.BigEndian.AppendUint16(packet, ports[to])
		packet = binary.BigEndian.AppendUint32(packet, 1+p.sequence[from])
		packet = binary.BigEndian.AppendUint32(packet, 1+p.sequence[to])
		packet = append(packet, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0) // PSH and ACK
		p.sequence[from] += uint32(len(segment))
		packet = append(packet, segment...)

		p.count++
		p.packets = binary.LittleEndian.AppendUint32(p.packets, 1_700_000_000)
		p.packets = binary.LittleEndian.AppendUint32(p.packets, p.count) // a microsecond each
		p.packets = binary.LittleEndian.AppendUint32(p.packets, uint32(len(packet)))
		p.packets = binary.LittleEndian.AppendUint32(p.packets, uint32(len(packet)))
		p.packets = append(p.packets, packet...)
	}
}

// write writes the capture to a file of the test's.
func (p *pcap) write(t *testing.T) string {
	t.Helper()
	const rawIP = 101
	head := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	for _, half := range []uint16{2, 4, 0, 0, 0, 0} {
		head = binary.LittleEndian.AppendUint16(head, half)
	}
	head = binary.LittleEndian.AppendUint32(head, 65535)
	head = binary.LittleEndian.AppendUint32(head, rawIP)
	path := filepath.Join(t.TempDir(), "session.pcap")
	if err := os.WriteFile(path, append(head, p.packets...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
