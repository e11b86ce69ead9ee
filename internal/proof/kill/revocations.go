package main

import (
	"fmt"
	"slices"
	"sync"
)

// revocations is what is known of the clients that were shut out. It is safe
// for concurrent use.
type revocations struct {
	mu      sync.Mutex
	names   []string        // of the clients that work, by their number; "" for none
	asked   map[string]bool // that may have come to be
	done    map[string]bool // by a command that said so, or found after a restart
	refused int             // clients that were told by a refusal
}

func newRevocations(clients int) *revocations {
	return &revocations{names: make([]string, clients), asked: map[string]bool{}, done: map[string]bool{}}
}

// use says by which name a client works from now on.
func (r *revocations) use(number int, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names[number] = name
}

// begin notes that a client that works may be revoked from now on, and returns
// its name; "" when it has none yet.
func (r *revocations) begin(number int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := r.names[number]
	if name != "" {
		r.asked[name] = true
	}
	return name
}

// finish notes that the command has said that the client is shut out.
func (r *revocations) finish(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done[name] = true
}

// holds reports whether the client must be refused.
func (r *revocations) holds(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done[name]
}

// explains reports whether a refusal of the client is right.
func (r *revocations) explains(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked[name] {
		r.refused++
	}
	return r.asked[name]
}

// counts returns how many clients are shut out, and how many found out by a
// refusal.
func (r *revocations) counts() (done, refused int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.done), r.refused
}

// compare holds the server's table of clients against what was asked and done.
// What had no answer is settled by it.
func (r *revocations) compare(table []clientLine) (wrong []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range table {
		switch {
		case r.done[line.Name] && !line.Revoked:
			wrong = append(wrong, fmt.Sprintf("%q was revoked, and is not any more", line.Name))
		case line.Revoked && !r.asked[line.Name]:
			wrong = append(wrong, fmt.Sprintf("%q is revoked, and nobody asked for it", line.Name))
		case line.Revoked:
			r.done[line.Name] = true
		default:
			delete(r.asked, line.Name)
		}
	}
	for name := range r.done {
		if !slices.ContainsFunc(table, func(line clientLine) bool { return line.Name == name }) {
			wrong = append(wrong, fmt.Sprintf("%q was revoked, and is gone", name))
		}
	}
	return wrong
}
