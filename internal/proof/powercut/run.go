package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/sealquay/sealquay/internal/proof/account"
)

// run is one file system on its way through power cuts.
type run struct {
	*driver
	mutant  string
	files   *account.Account
	earlier int // acknowledged before this run
	result

	mu          sync.Mutex
	clients     map[string]string
	stopAtReply int // the power fails at this acknowledgement from now; 0: not so
}

// result is what power cuts have shown.
type result struct {
	cuts         int
	opening      int // of these, before the store was open
	acknowledged int
	doubted      int // Verify was called, and did not return
	survived     int // of these, files that came to be
	pieces       int // in the cache when the power failed
	kept         int // of these, which reached the disk
	lost         int // acknowledged files and registrations that are not there as they were
	faults       []string
}

func (t *result) add(r *run) {
	t.opening += r.opening
	t.acknowledged += r.files.Acknowledged() - r.earlier
	t.doubted += r.doubted
	t.survived += r.survived
	t.pieces += r.pieces
	t.kept += r.kept
	t.lost += r.lost
	t.faults = append(t.faults, r.faults...)
}

func (r *result) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

func (d *driver) newRun(mutant string, from state) *run {
	return &run{
		driver:  d,
		mutant:  mutant,
		files:   from.files.Clone(),
		earlier: from.files.Acknowledged(),
		clients: maps.Clone(from.clients),
	}
}

// hear notes what the worker says while it writes. It is written down before
// the next is heard, and the worker goes on only after it has said it.
func (r *run) hear(e event) {
	switch e.Kind {
	case approved:
		r.mu.Lock()
		r.clients[e.Client] = e.ID
		r.mu.Unlock()
	case verifying:
		r.files.Doubt(fileOf(e), e.Version)
	case acknowledged:
		r.files.Acknowledge(fileOf(e), e.Version)
		if r.countdown() {
			r.device.stop()
		}
	}
}

func (r *run) countdown() (now bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopAtReply--
	return r.stopAtReply == 0
}

// cut gives the disk power, proves that what was acknowledged is on it, uses
// it, and takes the power away at a random moment.
func (r *run) cut() error { return r.powered(false) }

// last proves what the last cut has left.
func (r *run) last() {
	if err := r.powered(true); err != nil {
		r.fault("%v", err)
	}
}

func (r *run) powered(last bool) (err error) {
	early := 0
	if !last && r.random.IntN(4) == 0 {
		early = 1 + r.random.IntN(150)
		r.opening++
	}
	_, stopped := r.device.start(early)
	defer func() {
		r.device.stop()
		cached, kept := r.device.lose(r.random)
		r.pieces += cached
		r.kept += kept
	}()
	if err := r.disk.mount(); err != nil {
		if !r.device.arm(0) {
			return nil
		}
		r.fault("the disk cannot be mounted any more: %v", err)
		return nil
	}
	defer func() { err = errors.Join(err, r.disk.unmount()) }()
	s, err := startWorker(r.order(r.mutant), r.hear)
	if err != nil {
		return err
	}
	defer func() {
		r.device.stop()
		s.kill()
	}()
	return r.use(s, stopped, last)
}

// use follows a worker until the power fails.
func (r *run) use(s *session, stopped <-chan struct{}, last bool) error {
	select {
	case <-s.opened:
	case <-stopped:
	case <-s.failed:
	case <-s.ended:
	case <-time.After(stall):
		return errors.New("the store does not open")
	}
	if !r.device.arm(0) {
		return nil // the power has failed already
	}
	select {
	case <-s.opened:
	default:
		r.fault("the store does not open: %s%s", s.why(), s.last.Bytes())
		return nil
	}
	r.judge(s.has)
	if last || len(r.faults) > 0 {
		return nil
	}
	r.plan()
	s.begin()
	return r.follow(s, stopped)
}

// follow waits until the power fails. A worker that fails before has found a
// fault.
func (r *run) follow(s *session, stopped <-chan struct{}) error {
	select {
	case <-stopped:
	case <-s.failed:
		if r.device.arm(0) {
			r.fault("an upload failed: %s", s.why())
		}
	case <-s.ended:
		if r.device.arm(0) {
			r.fault("the worker ended: %s", s.last.Bytes())
		}
	case <-time.After(stall):
		return errors.New("the worker does nothing")
	}
	return nil
}

// plan draws when the power fails: at some write or flush, or as soon as an
// acknowledgement is heard.
func (r *run) plan() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopAtReply = 0
	if r.random.IntN(2) == 0 {
		r.stopAtReply = 1 + r.random.IntN(200)
		return
	}
	r.device.arm(1 + r.random.IntN(2000))
}

// judge holds what the store has against what it must have.
func (r *run) judge(has []event) {
	found := map[account.File]func() ([]byte, error){}
	ids := map[string]string{}
	for _, e := range has {
		switch e.Kind {
		case hasFile:
			found[fileOf(e)] = func() ([]byte, error) { return os.ReadFile(e.Path) }
		case hasClient:
			ids[e.Client] = e.ID
		case hasFinding:
			r.fault("check: %s (%s, client %s)", e.Detail, e.Path, e.Client)
		}
	}
	v := r.files.Compare(found)
	r.doubted += v.Doubted
	r.survived += v.Survived
	for _, lost := range v.Lost {
		r.lost++
		r.fault("LOST %s", lost)
	}
	for _, unasked := range v.Unasked {
		r.fault("there and never verified: %s", unasked)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, id := range r.clients {
		if ids[name] != id {
			r.lost++
			r.fault("LOST client %q: its id is %q, and it was told %s", name, ids[name], id)
		}
	}
}
