package persistence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// modelUpload is an upload under way, and what it would make of its file.
type modelUpload struct {
	*Upload
	content  []byte
	received bool
}

// model drives a machine by random requests, as sessions of one client that
// know nothing of each other would send them.
type model struct {
	*machine
	client  ClientID
	seed    uint64
	number  int
	uploads []*modelUpload
}

// TestAnyOrderOfUploadsAndCrashes checks random histories: whatever is done in
// whatever order, and wherever the machine stops, what was acknowledged is
// there, the latest under its name, and nothing else is.
func TestAnyOrderOfUploadsAndCrashes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := &model{machine: newMachine(t, Options{
			JournalUpTo: rapid.SampledFrom([]int64{0, 20, 1000}).Draw(r, "journal"),
			OnConflict:  rapid.SampledFrom([]Conflict{Replace, Keep}).Draw(r, "conflict"),
			Keep:        2,
			Quota:       rapid.SampledFrom([]Quota{{}, {ClientBytes: 90, ClientFiles: 4}, {TotalBytes: 70}}).Draw(r, "quota"),
		}, nil)}
		m.seed = rapid.Uint64().Draw(r, "luck")
		m.must(r, m.start())
		defer m.stop(keepAll)
		r.Repeat(map[string]func(*rapid.T){
			"begin":   m.begin,
			"write":   m.write,
			"receive": m.receiveOne,
			"verify":  m.verifyOne,
			"discard": m.discardOne,
			"sweep":   m.sweep,
			"settle":  m.settle,
			"crash":   m.restart,
			"arm":     m.armCrash,
		})
		m.restart(r)
	})
}

func (m *model) start() (err error) {
	if err := m.open(context.Background()); err != nil {
		return err
	}
	m.client, err = m.store.Register(context.Background(), "anna")
	return err
}

// must ends the test on an error that no crash explains.
func (m *model) must(r *rapid.T, err error) {
	r.Helper()
	if err != nil && !errors.Is(err, errCrashed) {
		r.Fatal(err)
	}
}

func (m *model) settle(r *rapid.T) {
	if j := m.store.content.(*disk).journal; j != nil {
		m.must(r, j.settle())
	}
}

func (m *model) one(r *rapid.T) *modelUpload {
	if len(m.uploads) == 0 {
		r.Skip("no upload")
	}
	return rapid.SampledFrom(m.uploads).Draw(r, "upload")
}

func (m *model) begin(r *rapid.T) {
	name := rapid.SampledFrom([]string{"one", "two"}).Draw(r, "name")
	u, err := m.store.Begin(context.Background(), m.client, name, 16)
	if refusal := (*QuotaError)(nil); !errors.As(err, &refusal) {
		m.must(r, err)
	}
	if err == nil {
		m.uploads = append(m.uploads, &modelUpload{Upload: u})
	}
}

func (m *model) write(r *rapid.T) {
	u := m.one(r)
	m.number++
	part := fmt.Appendf(nil, "part %d of %d\n", len(u.content), m.number)
	_, err := u.Write(part)
	if u.received && !errors.Is(err, ErrUploadState) && !errors.Is(err, errCrashed) {
		r.Fatalf("write after received: %v", err)
	}
	if err == nil {
		u.content = append(bytes.Clone(u.content), part...)
	}
}

func (m *model) receiveOne(r *rapid.T) {
	u := m.one(r)
	if err := u.Received(context.Background(), sumsOf(u.content)); err == nil {
		u.received = true
	} else if refusal := (*QuotaError)(nil); !u.received && !errors.As(err, &refusal) {
		m.must(r, err)
	}
}

func (m *model) verifyOne(r *rapid.T) {
	u := m.one(r)
	if !u.received {
		if err := u.Verify(context.Background()); err == nil {
			r.Fatal("verified before it was received")
		}
		return
	}
	m.must(r, m.verify(context.Background(), u.Upload, u.content))
	m.forget(u)
}

func (m *model) discardOne(r *rapid.T) {
	u := m.one(r)
	m.must(r, u.Discard(context.Background()))
	m.forget(u)
	m.must(r, u.Discard(context.Background()))
	if u.Verify(context.Background()) == nil {
		r.Fatal("verified after it was discarded")
	}
}

func (m *model) forget(u *modelUpload) {
	for i, other := range m.uploads {
		if other == u {
			m.uploads = append(m.uploads[:i:i], m.uploads[i+1:]...)
			return
		}
	}
}

func (m *model) sweep(r *rapid.T) {
	report, err := m.store.Sweep(context.Background())
	m.must(r, err)
	if err == nil && len(report.Missing)+len(report.Quarantined)+report.Intents > 0 {
		r.Fatalf("sweep found %+v", report)
	}
}

func (m *model) armCrash(r *rapid.T) {
	after := rapid.IntRange(1, 60).Draw(r, "crash in")
	if m.crash.stopped() {
		r.Skip("the machine has stopped")
	}
	m.crash.arm(after)
}

// restart stops the machine, starts it again, perhaps not at the first try,
// and proves that it has kept its promises.
func (m *model) restart(r *rapid.T) {
	m.uploads = nil
	for _, after := range rapid.SliceOfN(rapid.IntRange(1, 40), 0, 2).Draw(r, "crashes at start") {
		m.stop(luck(m.seed))
		m.crash.arm(after)
		m.must(r, m.open(context.Background()))
	}
	m.stop(luck(m.seed))
	if err := m.open(context.Background()); err != nil {
		r.Fatal(err)
	}
	if err := m.prove(context.Background()); err != nil {
		r.Fatal(err)
	}
}
