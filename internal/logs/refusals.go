package logs

import (
	"cmp"
	"slices"
	"time"

	"github.com/sealquay/sealquay/internal/logging"
)

// Refusals adds up what went wrong, by reason.
type Refusals struct{ reasons map[string]*refusals }

type refusals struct {
	Refusal
	clients map[string]bool
}

// Refusal is what the lines with one reason have in common.
type Refusal struct {
	Reason  string    `json:"reason"` // or the event, of a line of level error without a reason
	Count   int64     `json:"count"`
	Clients int       `json:"clients"` // different addresses; at most 10000 are counted
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Example string    `json:"example"` // the last detail, error, file or client
}

// maxClients bounds how many addresses are told apart for a reason.
const maxClients = 10_000

// NewRefusals returns an empty Refusals.
func NewRefusals() *Refusals { return &Refusals{make(map[string]*refusals)} }

// Add counts a line, if something went wrong. Connections that a client closed did not go wrong.
func (r *Refusals) Add(l *Line) {
	level, _ := l.Level()
	key := "reason"
	switch reason := string(l.Text("reason")); {
	case reason == string(logging.ClientClosed) || reason == string(logging.ShuttingDown):
		return
	case reason == "" && level.String() == "error":
		key = "event"
	case reason == "":
		return
	}
	name := string(l.Text(key))
	found := r.reasons[name]
	if found == nil {
		found = &refusals{Refusal{Reason: name}, make(map[string]bool)}
		r.reasons[name] = found
	}
	found.add(l)
}

func (r *refusals) add(l *Line) {
	count := int64(1)
	if n, ok := l.Float("count"); ok && n > 1 && string(l.Text("event")) == string(logging.LimitHit) {
		count = int64(n)
	}
	r.Count += count
	if at, ok := l.Time(); ok {
		if r.First.IsZero() || at.Before(r.First) {
			r.First = at
		}
		if at.After(r.Last) {
			r.Last = at
		}
	}
	if ip := l.Text("client_ip"); ip != nil && len(r.clients) < maxClients {
		r.clients[string(ip)] = true
	}
	for _, field := range []string{"error", "detail", "file_name", "client_name", "client_id", "client_ip"} {
		if text := l.Text(field); len(text) > 0 {
			r.Example = field + "=" + string(text)
			break
		}
	}
}

// Totals returns the sums, the most frequent first.
func (r *Refusals) Totals() (all []Refusal) {
	for _, found := range r.reasons {
		found.Clients = len(found.clients)
		all = append(all, found.Refusal)
	}
	slices.SortFunc(all, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	return all
}
