package main

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"sync"
	"time"

	"github.com/sealquay/sealquay/internal/proof/account"
	"github.com/sealquay/sealquay/persistence"
)

const (
	filesOfClient = 8       // names; most uploads replace an earlier one
	versionsALife = 1 << 20 // the versions of a life begin at its number times this
)

// workIfAsked makes this process a worker if it was started as one. A worker is
// a process of its own because it stops when the device does, which is served
// by the one that started it.
func workIfAsked() {
	text := os.Getenv(workerVariable)
	if text == "" {
		return
	}
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	w := &worker{order: o, speaker: &speaker{w: os.Stdout}}
	if err := w.run(context.Background(), os.Stdin); err != nil {
		w.say(event{Kind: failed, Detail: err.Error()})
	}
	os.Exit(0)
}

// worker uses a store until its device stops.
type worker struct {
	order
	*speaker
	store   *persistence.Store
	clients map[string]persistence.ClientID
}

func (w *worker) run(ctx context.Context, start io.Reader) error {
	// Some contents are below this, and some are not.
	options := persistence.Options{DataDir: w.DataDir, JournalUpTo: 16 << 10, JournalPause: 20 * time.Millisecond}
	mutate(&options, w.Mutant)
	var err error
	if w.store, err = persistence.Open(ctx, options); err != nil {
		return err
	}
	if err := w.tell(ctx); err != nil {
		return err
	}
	w.say(event{Kind: opened})
	if _, err := start.Read(make([]byte, 1)); err != nil {
		return err
	}
	ends := make(chan error, w.Writers)
	var writing sync.WaitGroup
	for number := range w.Writers {
		writing.Go(func() { ends <- w.newWriter(number).write(ctx) })
	}
	err = <-ends // which is what ends the others too
	w.say(event{Kind: failed, Detail: err.Error()})
	writing.Wait()
	return err
}

// tell says what the store has.
func (w *worker) tell(ctx context.Context) error {
	w.clients = map[string]persistence.ClientID{}
	for c, err := range w.store.Clients(ctx) {
		if err != nil {
			return err
		}
		w.clients[c.Name] = c.ID
		w.say(event{Kind: hasClient, Client: c.Name, ID: c.ID.String()})
	}
	for f, err := range w.store.Files(ctx, persistence.FileFilter{Verified: true}) {
		if err != nil {
			return err
		}
		w.say(event{Kind: hasFile, Client: f.ClientName, Name: f.FileName, Path: filepath.Join(w.DataDir, f.PathName)})
	}
	report, err := w.store.Check(ctx, persistence.CheckOptions{Deep: true})
	for _, f := range report.Findings {
		w.say(event{Kind: hasFinding, Client: f.ID.String(), Name: f.FileName, Path: f.PathName, Detail: string(f.Problem) + ": " + f.Detail})
	}
	return err
}

// writer is one of the goroutines that upload. It has clients of its own, one
// after the other, so that nobody else writes its files.
type writer struct {
	*worker
	number   int
	random   *rand.Rand
	client   string
	id       persistence.ClientID
	clients  int
	versions int
}

func (w *worker) newWriter(number int) *writer {
	r := &writer{worker: w, number: number, random: rand.New(rand.NewPCG(w.Seed, uint64(w.Life*w.Writers+number)))}
	for name, id := range w.clients { // the latest that it has
		var writer, n int
		if _, err := fmt.Sscanf(name, "client %d.%d", &writer, &n); err == nil && writer == number && n > r.clients {
			r.client, r.id, r.clients = name, id, n
		}
	}
	r.clients = max(r.clients, w.Life*1000) // a name that had no answer is not used again
	return r
}

// write uploads until something fails.
func (r *writer) write(ctx context.Context) error {
	for {
		if r.client == "" || r.random.IntN(32) == 0 {
			if err := r.register(ctx); err != nil {
				return err
			}
		}
		if err := r.upload(ctx); err != nil {
			return err
		}
	}
}

func (r *writer) register(ctx context.Context) (err error) {
	r.clients++
	r.client = fmt.Sprintf("client %d.%d", r.number, r.clients)
	if r.id, err = r.store.Register(ctx, r.client); err != nil {
		return err
	}
	r.say(event{Kind: approved, Client: r.client, ID: r.id.String()})
	return nil
}

// upload uploads a version of one of the files, and verifies it, as a rule.
func (r *writer) upload(ctx context.Context) error {
	f := account.File{Client: r.client, Name: fmt.Sprintf("file %d.bin", r.random.IntN(filesOfClient))}
	r.versions++
	version := r.Life*versionsALife + r.versions
	content := account.Content(r.Seed, f, version)
	u, err := r.store.Begin(ctx, r.id, f.Name, int64(len(content)))
	if err != nil {
		return err
	}
	if _, err := u.Write(content); err != nil {
		return err
	}
	if err := u.Received(ctx, sums(content)); err != nil {
		return err
	}
	if r.random.IntN(8) == 0 {
		return u.Discard(ctx)
	}
	r.say(event{Kind: verifying, Client: f.Client, Name: f.Name, Version: version})
	if err := u.Verify(ctx); err != nil {
		return err
	}
	r.say(event{Kind: acknowledged, Client: f.Client, Name: f.Name, Version: version})
	return nil
}

func sums(content []byte) persistence.Sums {
	return persistence.Sums{CRC32: crc32.ChecksumIEEE(content)}
}
