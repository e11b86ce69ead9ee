package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/proof/account"
)

const (
	filesOfClient  = 4 // names; most uploads replace an earlier one
	filesOfSession = 6 // uploads, then another connection
	// stall is how long a client waits for anything before it connects again.
	stall = 60 * time.Second
)

// worker is one of the clients. Whatever fails, it connects again.
type worker struct {
	driver *driver
	number int
	random *rand.Rand

	name    string
	id      codec.ClientID
	renewed [filesOfClient]int // how often a name was given up for another
}

func (w *worker) work(ctx context.Context) {
	for ctx.Err() == nil {
		if err := w.session(ctx); err != nil && ctx.Err() == nil {
			w.driver.seen.failed(err)
			time.Sleep(time.Duration(w.random.IntN(100)) * time.Millisecond)
		}
	}
}

func (w *worker) session(ctx context.Context) error {
	wire := new(wire)
	s, err := client.Dial(ctx, client.Options{Server: w.driver.stage.balancer.addr, Dial: wire.dial, Timeout: stall})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := w.identify(ctx, s); err != nil {
		return err
	}
	for range filesOfSession {
		if ctx.Err() != nil {
			return nil
		}
		if !s.Keyed() {
			if err := s.ExchangeKey(ctx, w.name, w.driver.key); err != nil {
				return err
			}
		}
		if err := w.send(ctx, s, wire); err != nil {
			return err
		}
	}
	return nil
}

// identify registers under a name that was not asked for before, or goes on
// with the one it has.
func (w *worker) identify(ctx context.Context, s *client.Session) error {
	if w.name == "" {
		name := fmt.Sprintf("client %d.%d", w.number, w.random.Uint32())
		id, err := s.Register(ctx, name)
		if err != nil {
			return err
		}
		w.driver.approve(name, id)
		w.name, w.id = name, id
	}
	s.Resume(w.id)
	return nil
}

// send sends a version of one of the files. When it is in doubt whether that
// was accepted, it takes another name from then on: a node may still be at it.
func (w *worker) send(ctx context.Context, s *client.Session, wire *wire) error {
	which := w.random.IntN(filesOfClient)
	f := account.File{Client: w.name, Name: fmt.Sprintf("file %d.%d", which, w.renewed[which])}
	version, content := w.driver.files.Begin(f)
	doubted := false
	wire.accepts = func() {
		doubted = true
		w.driver.files.Doubt(f, version)
	}
	start := time.Now()
	_, err := s.Send(ctx, client.File{Name: f.Name, Size: int64(len(content)), Content: bytes.NewReader(content)}, nil)
	w.driver.seen.waited(time.Since(start))
	if err != nil {
		if doubted {
			w.renewed[which]++
		}
		return err
	}
	w.driver.files.Acknowledge(f, version)
	return nil
}

// race asks for a name once that many others ask for, until there is an answer.
func (w *worker) race(ctx context.Context, name string) (won bool, err error) {
	s, err := client.Dial(ctx, client.Options{Server: w.driver.stage.balancer.addr, Timeout: stall})
	if err != nil {
		return false, err
	}
	defer s.Close()
	id, err := s.Register(ctx, name)
	if errors.Is(err, client.ErrNameTaken) {
		return false, nil
	}
	if err == nil {
		w.driver.approve(name, id)
	}
	return err == nil, err
}

// wire is a connection that tells when the request leaves that may commit a
// file.
type wire struct {
	net.Conn
	accepts func() // called before a 1104 leaves
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	w.Conn = conn
	return w, err
}

func (w *wire) Write(p []byte) (int, error) {
	if len(p) >= 23 && p[16] == 3 && binary.LittleEndian.Uint16(p[17:]) == uint16(codec.CodeValidCRC) && w.accepts != nil {
		w.accepts()
	}
	return w.Conn.Write(p)
}
