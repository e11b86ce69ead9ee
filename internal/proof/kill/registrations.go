package main

import (
	"fmt"
	"sync"

	"github.com/sealquay/sealquay/codec"
)

// registrations is what is known of the clients of the server. It is safe for
// concurrent use.
type registrations struct {
	mu       sync.Mutex
	asked    map[string]bool   // names in a 1100
	approved map[string]string // ids by name, in hexadecimal digits
	twice    []string          // approved again
}

func newRegistrations() *registrations {
	return &registrations{asked: map[string]bool{}, approved: map[string]string{}}
}

// ask notes that a 1100 with this name is about to leave.
func (r *registrations) ask(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked[name] = true
}

// approve notes a 2100.
func (r *registrations) approve(name string, id codec.ClientID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := fmt.Sprintf("%x", id[:])
	if before, again := r.approved[name]; again {
		r.twice = append(r.twice, fmt.Sprintf("%q has the ids %s and %s", name, before, text))
	}
	r.approved[name] = text
}

func (r *registrations) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.approved)
}

// clientLine is a part of what clients list --json prints.
type clientLine struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Revoked bool   `json:"revoked"`
}

// compare holds the server's table of clients against what was approved, and
// returns all that is wrong.
func (r *registrations) compare(table []clientLine) (wrong []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wrong = append(wrong, r.twice...)
	byName, byID := map[string]string{}, map[string]string{}
	for _, line := range table {
		if _, twice := byName[line.Name]; twice {
			wrong = append(wrong, fmt.Sprintf("the table has the name %q twice", line.Name))
		}
		if _, twice := byID[line.ID]; twice {
			wrong = append(wrong, fmt.Sprintf("the table has the id %s twice", line.ID))
		}
		if !r.asked[line.Name] {
			wrong = append(wrong, fmt.Sprintf("the table has the name %q, which nobody asked for", line.Name))
		}
		byName[line.Name], byID[line.ID] = line.ID, line.Name
	}
	for name, id := range r.approved {
		if byName[name] != id {
			wrong = append(wrong, fmt.Sprintf("%q was approved as %s, the table has %q", name, id, byName[name]))
		}
	}
	return wrong
}
