package main

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/internal/proof/program"
)

// honest are the clients that behave, and what the server acknowledged to them.
type honest struct {
	*driver
	addr string

	mu    sync.Mutex
	files map[string]string // what the acknowledged files must be, by client and name
}

func newHonest(d *driver, addr string) *honest {
	return &honest{driver: d, addr: addr, files: make(map[string]string)}
}

// The rounds.
const (
	alone  = "alone"
	beside = "beside the crowds"
)

func honestName(number int, round string) string { return fmt.Sprintf("honest %d, %s", number, round) }

// waits are how long the clients waited for whole sessions.
type waits []time.Duration

func (w waits) String() string {
	slices.Sort(w)
	if len(w) == 0 {
		return "no session"
	}
	at := func(share float64) time.Duration {
		return w[min(len(w)-1, int(float64(len(w))*share))].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("%d sessions: p50 %v, p99 %v, longest %v", len(w), at(0.5), at(0.99), at(1))
}

// work lets every honest client send its files, one session each. The first
// failure is a fault of the server.
func (h *honest) work(ctx context.Context, round string) (waits, error) {
	var all waits
	var working sync.WaitGroup
	failed := make(chan error, h.Honest)
	for number := range h.Honest {
		working.Go(func() {
			took, err := h.send(ctx, round, number)
			if err != nil {
				failed <- err
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			all = append(all, took...)
		})
	}
	working.Wait()
	select {
	case err := <-failed:
		return all, err
	default:
		return all, nil
	}
}

// send is one client in one round: it registers, then sends its files.
func (h *honest) send(ctx context.Context, round string, number int) (took waits, err error) {
	random := rand.New(rand.NewPCG(uint64(number), uint64(len(round))))
	name := honestName(number, round)
	s, err := h.dial(ctx, number)
	if err != nil {
		return nil, err
	}
	id, err := s.Register(ctx, name)
	s.Close()
	if err != nil {
		return nil, fmt.Errorf("register %q: %w", name, err)
	}
	for n := range h.Files {
		content := make([]byte, random.IntN(256<<10))
		for i := range content {
			content[i] = byte(random.Uint32())
		}
		began := time.Now()
		if s, err = h.dial(ctx, number); err != nil {
			return took, err
		}
		s.Resume(id)
		file := client.File{Name: fmt.Sprintf("file %d.bin", n), Size: int64(len(content)), Content: bytes.NewReader(content)}
		if err = s.ExchangeKey(ctx, name, h.key); err == nil {
			_, err = s.Send(ctx, file, nil)
		}
		s.Close()
		if err != nil {
			return took, fmt.Errorf("send %q of %q: %w", file.Name, name, err)
		}
		took = append(took, time.Since(began))
		h.mu.Lock()
		h.files[name+"/"+file.Name] = describe(int64(len(content)), fmt.Sprintf("%08x", crc32.ChecksumIEEE(content)))
		h.mu.Unlock()
	}
	return took, nil
}

func (h *honest) dial(ctx context.Context, number int) (*client.Session, error) {
	return client.Dial(ctx, client.Options{Server: h.addr, Timeout: stall,
		Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
			return dialFrom(ctx, address, net.IPv4(127, 77, 0, byte(1+number)))
		}})
}

// dialFrom connects from an address of this machine.
func dialFrom(ctx context.Context, to string, from net.IP) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
	return d.DialContext(ctx, "tcp", to)
}

func (h *honest) acknowledged() int { return len(h.files) }

// missing names the acknowledged files that the server does not have as they
// were sent.
func (h *honest) missing(ctx context.Context, p *program.Program) (faults []string, err error) {
	var files []struct {
		Client   string `json:"client_name"`
		Name     string `json:"file_name"`
		Size     int64  `json:"size"`
		CRC32    string `json:"crc32"`
		Verified bool   `json:"verified"`
	}
	if err := p.Ask(ctx, &files, "files", "list"); err != nil {
		return nil, err
	}
	there := make(map[string]string)
	for _, f := range files {
		if f.Verified {
			there[f.Client+"/"+f.Name] = describe(f.Size, f.CRC32)
		}
	}
	for name, sent := range h.files {
		if there[name] != sent {
			faults = append(faults, fmt.Sprintf("%s: %s was sent, %q is there", name, sent, there[name]))
		}
	}
	return faults, nil
}

func describe(size int64, crc string) string { return fmt.Sprintf("%d bytes with CRC %s", size, crc) }
