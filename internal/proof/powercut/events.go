package main

import (
	"encoding/json"
	"io"
	"sync"
)

// order is what a worker is told, in its environment.
type order struct {
	DataDir string
	Seed    uint64
	Life    int // numbers the workers of a proof
	Mutant  string
	Writers int
}

// workerVariable of the environment makes a process of this program a worker.
const workerVariable = "SEALQUAY_POWERCUT_WORKER"

// event is what a worker says, in a line of JSON.
type event struct {
	Kind    kind
	Client  string `json:",omitzero"` // its name
	ID      string `json:",omitzero"` // of the client
	Name    string `json:",omitzero"` // of the file
	Path    string `json:",omitzero"` // of its content
	Version int    `json:",omitzero"`
	Detail  string `json:",omitzero"`
}

type kind string

const (
	hasFile      kind = "has file"     // verified, at the start
	hasClient    kind = "has client"   // at the start
	hasFinding   kind = "has finding"  // of Check, at the start
	opened       kind = "opened"       // all that it has was said
	approved     kind = "approved"     // Register has returned an id
	verifying    kind = "verifying"    // Verify is about to be called
	acknowledged kind = "acknowledged" // Verify has returned nil
	failed       kind = "failed"       // the worker cannot go on
)

// speaker writes events. It is safe for concurrent use. What was said is out of
// the process when say returns, whatever becomes of it then.
type speaker struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *speaker) say(e event) {
	line, err := json.Marshal(e)
	if err != nil {
		panic(err) // it has strings and a number only
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.w.Write(append(line, '\n')) // nobody listens any more: the end is near
}
