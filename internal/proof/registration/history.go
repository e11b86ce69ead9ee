package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// operation is what a client, or the proof itself, asks of one name.
type operation struct {
	kind kind
	id   string // that a lookup asks for
}

type kind string

const (
	register kind = "register" // 1100: the answer is the id, or nothing if the name is taken
	lookup   kind = "lookup"   // 1101: does the name have this id?
	table    kind = "table"    // clients list: the id of the name, or nothing
)

// answer of an operation.
type answer struct {
	unknown bool   // the server was killed before it came
	yes     bool   // approved, has this id, is in the table
	id      string // of register and table, with yes
}

// history is what happened to each name. It is safe for concurrent use.
type history struct {
	begun time.Time

	mu     sync.Mutex
	byName map[string][]porcupine.Operation
	open   []*pending // have no answer yet, or never will
}

// pending is an operation under way.
type pending struct {
	history *history
	name    string
	call    porcupine.Operation
}

func newHistory() *history {
	return &history{begun: time.Now(), byName: map[string][]porcupine.Operation{}}
}

func (h *history) now() int64 { return int64(time.Since(h.begun)) }

// call begins an operation of a client.
func (h *history) call(client int, name string, o operation) *pending {
	return &pending{history: h, name: name, call: porcupine.Operation{ClientId: client, Input: o, Call: h.now()}}
}

// answered ends the operation.
func (p *pending) answered(a answer) {
	p.call.Output, p.call.Return = a, p.history.now()
	p.history.mu.Lock()
	defer p.history.mu.Unlock()
	p.history.byName[p.name] = append(p.history.byName[p.name], p.call)
}

// broken says that no answer will come. The operation may take effect until the
// server is dead.
func (p *pending) broken() {
	p.history.mu.Lock()
	defer p.history.mu.Unlock()
	p.history.open = append(p.history.open, p)
}

// dead says that the server is: what had no answer has happened, or never will.
func (h *history) dead() {
	h.mu.Lock()
	open := h.open
	h.open = nil
	h.mu.Unlock()
	for _, p := range open {
		p.answered(answer{unknown: true})
	}
}

// name is the state of one name. An id that nobody was told is empty.
type name struct {
	taken bool
	id    string
}

// model says what registration is: a name is given once, for ever, with one id.
func model() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{name{}} },
		Step: func(state, input, output any) []any {
			return step(state.(name), input.(operation), output.(answer))
		},
	}
	return m.ToModel()
}

// step returns the states that may follow; none if the answer is wrong.
func step(s name, o operation, a answer) []any {
	same := []any{s}
	switch {
	case o.kind == register && a.unknown && !s.taken:
		return []any{s, name{taken: true}}
	case a.unknown:
		return same
	case o.kind == register && a.yes:
		return only(!s.taken, name{true, a.id})
	case o.kind == register:
		return only(s.taken, s)
	case o.kind == lookup:
		return only(a.yes == (s.taken && s.id == o.id), s)
	case !a.yes:
		return only(!s.taken, s)
	}
	return only(s.taken && (s.id == "" || s.id == a.id), name{true, a.id})
}

func only(right bool, s name) []any {
	if !right {
		return nil
	}
	return []any{s}
}

// check returns the names whose history no order explains, and how many
// operations there were at most on one name.
func (h *history) check() (wrong []string, operations, longest int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := model()
	for name, all := range h.byName {
		operations += len(all)
		longest = max(longest, len(all))
		switch porcupine.CheckOperationsTimeout(m, all, patience) {
		case porcupine.Illegal:
			wrong = append(wrong, fmt.Sprintf("%q is not linearizable:\n%s", name, text(all)))
		case porcupine.Unknown:
			wrong = append(wrong, fmt.Sprintf("%q: the checker did not end in %v", name, patience))
		}
	}
	return wrong, operations, longest
}

// patience of the checker, for each name.
const patience = time.Minute

func text(all []porcupine.Operation) (lines string) {
	for _, o := range all[:min(len(all), 40)] {
		lines += fmt.Sprintf("  %v to %v, client %d: %+v → %+v\n", time.Duration(o.Call),
			time.Duration(o.Return), o.ClientId, o.Input, o.Output)
	}
	return lines
}

// unknown counts the operations that had no answer.
func (h *history) unknown() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, all := range h.byName {
		for _, o := range all {
			if o.Output.(answer).unknown {
				n++
			}
		}
	}
	return n
}
