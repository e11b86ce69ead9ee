package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/proof/account"
)

const (
	filesOfClient  = 8  // names; most uploads replace an earlier one
	filesOfSession = 12 // uploads, then another connection
)

// counts of what the clients did.
type counts struct {
	retried, givenUp, abandoned, replaced, sessions, shutBetween atomic.Int64
}

// worker is one of the clients, from life to life of the server. It takes a new
// identity from time to time.
type worker struct {
	number        int
	random        *rand.Rand
	key           *client.Key
	files         *account.Account
	registrations *registrations
	revocations   *revocations
	receiver      *receiver
	counts        *counts
	revoke        func(ctx context.Context, number int) error
	shutNext      atomic.Bool   // it is shut out as soon as an upload waits for its 1104
	shutTold      chan struct{} // then, after the answer; it takes one

	name       string
	id         codec.ClientID
	identities int
	lives      int
}

// live works until an error ends it, which is always the case: the server is
// killed.
func (w *worker) live(ctx context.Context, server string) error {
	w.lives++
	for {
		err := w.session(ctx, server)
		if errors.Is(err, client.ErrRefused) && w.revocations.explains(w.name) {
			w.name = ""
			continue
		}
		if err != nil {
			return fmt.Errorf("client %d: %w", w.number, err)
		}
	}
}

// session is one connection, from 1100 or 1101 to its end.
func (w *worker) session(ctx context.Context, server string) error {
	wire := new(wire)
	s, err := client.Dial(ctx, client.Options{Server: server, Dial: wire.dial, Timeout: stall})
	if err != nil {
		return err
	}
	defer s.Close()
	w.counts.sessions.Add(1)
	if err := w.identify(ctx, s); err != nil {
		return err
	}
	for range filesOfSession {
		if !s.Keyed() {
			if err := w.exchangeKey(ctx, s); err != nil {
				return err
			}
		}
		if w.random.IntN(16) == 0 {
			return w.abandon(ctx, s)
		}
		if err := w.send(ctx, s, wire); err != nil {
			return err
		}
	}
	return nil
}

// identify takes the worker's identity, or a new one, and races its neighbour
// for a name besides.
func (w *worker) identify(ctx context.Context, s *client.Session) error {
	if w.random.IntN(4) == 0 {
		race := fmt.Sprintf("race %d of %d", w.lives, w.number/2)
		if err := w.register(ctx, s, race); err != nil && !errors.Is(err, client.ErrNameTaken) {
			return err
		}
	}
	if w.name == "" || w.random.IntN(64) == 0 {
		w.identities++
		name := fmt.Sprintf("client %d.%d", w.number, w.identities)
		w.name = ""
		if err := w.register(ctx, s, name); err != nil {
			return err
		}
		w.name, w.id = name, s.ID()
		w.revocations.use(w.number, name)
	}
	s.Resume(w.id)
	return nil
}

func (w *worker) register(ctx context.Context, s *client.Session, name string) error {
	w.registrations.ask(name)
	id, err := s.Register(ctx, name)
	if err == nil {
		w.registrations.approve(name, id)
	}
	return err
}

// exchangeKey must not succeed for a client that is shut out.
func (w *worker) exchangeKey(ctx context.Context, s *client.Session) error {
	shut := w.revocations.holds(w.name)
	if err := s.ExchangeKey(ctx, w.name, w.key); err != nil {
		return err
	}
	if shut {
		return fmt.Errorf("%q is revoked and got a key", w.name)
	}
	return nil
}

// send sends a version of one of the files: as a rule it arrives whole, now and
// then after retries, or never.
func (w *worker) send(ctx context.Context, s *client.Session, wire *wire) error {
	f := w.file()
	number, content := w.files.Begin(f)
	v, shut, between := versionOf(f, content), false, false
	wire.damage = w.damage()
	wire.accepts = func() error {
		if w.shutNext.CompareAndSwap(true, false) {
			if err := w.revoke(ctx, w.number); err != nil {
				return err
			}
			between = true
		}
		// What a client that is shut out sends must never be seen.
		if shut = w.revocations.holds(w.name); !shut {
			w.files.Doubt(f, number)
			w.receiver.ask(v)
		}
		return nil
	}
	hopeless := wire.damage == tries
	receipt, err := s.Send(ctx, client.File{Name: f.Name, Size: int64(len(content)), Content: bytes.NewReader(content)}, nil)
	if between && (err == nil || errors.Is(err, client.ErrRefused)) {
		w.counts.shutBetween.Add(1)
		select {
		case w.shutTold <- struct{}{}:
		default: // nobody waited for the one before
		}
	}
	switch {
	case hopeless && errors.Is(err, client.ErrChecksum):
		w.counts.givenUp.Add(1)
		return nil
	case err != nil:
		return err
	case hopeless:
		return fmt.Errorf("%v was damaged each time and accepted", f)
	}
	if shut {
		return fmt.Errorf("%q is revoked and %v was acknowledged", w.name, f)
	}
	w.files.Acknowledge(f, number)
	w.receiver.acknowledge(v)
	w.counts.retried.Add(int64(receipt.Tries - 1))
	if number > 1 {
		w.counts.replaced.Add(1)
	}
	return nil
}

// tries is how often a client sends a file before it gives up.
const tries = 4

// damage draws how often a file arrives damaged.
func (w *worker) damage() int {
	switch chance := w.random.IntN(32); {
	case chance < 4:
		return 1 + chance%3
	case chance == 4:
		return tries
	}
	return 0
}

// abandon sends a file without accepting it: it must never be seen.
func (w *worker) abandon(ctx context.Context, s *client.Session) error {
	f := w.file()
	_, content := w.files.Begin(f)
	_, err := s.Upload(ctx, client.File{Name: f.Name, Size: int64(len(content)), Content: bytes.NewReader(content)})
	if err == nil && w.random.IntN(2) == 0 {
		err = s.Reject(ctx, f.Name)
	}
	w.counts.abandoned.Add(1)
	return err
}

func (w *worker) file() account.File {
	return account.File{Client: w.name, Name: fmt.Sprintf("file %d.bin", w.random.IntN(filesOfClient))}
}
