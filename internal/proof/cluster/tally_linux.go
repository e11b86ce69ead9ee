package main

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/sealquay/sealquay/client"
)

// atRest is the kind of the time after the faults.
const atRest = "afterwards"

// tally is what one kind of fault did, and what clients saw from its beginning
// until the next.
type tally struct {
	times      int
	slowest    time.Duration // from its end until all nodes served again
	refused    int           // answers 2101
	broken     int           // connections that ended, or were not to be had
	unanswered int           // requests that had no answer in stall
	other      int
	longest    time.Duration // of an upload
}

// tallies are those of all kinds. It is safe for concurrent use.
type tallies struct {
	*sync.Mutex
	order []string
	all   map[string]*tally
	now   *tally
	what  error // one of those that are other
}

func newTallies() tallies {
	t := tallies{Mutex: new(sync.Mutex), all: map[string]*tally{}}
	t.begin(atRest)
	return t
}

// begin begins one more fault.
func (t *tallies) begin(kind string) {
	t.Lock()
	defer t.Unlock()
	if t.all[kind] == nil {
		t.all[kind] = new(tally)
		t.order = append(t.order, kind)
	}
	t.now = t.all[kind]
	t.now.times++
}

// back says how long it took after the fault until all nodes served.
func (t *tallies) back(took time.Duration) {
	t.Lock()
	defer t.Unlock()
	t.now.slowest = max(t.now.slowest, took)
}

// waited says how long an upload took, whatever became of it.
func (t *tallies) waited(took time.Duration) {
	t.Lock()
	defer t.Unlock()
	t.now.longest = max(t.now.longest, took)
}

// failed counts an error of a client.
func (t *tallies) failed(err error) {
	t.Lock()
	defer t.Unlock()
	switch {
	case errors.Is(err, client.ErrRefused):
		t.now.refused++
	case errors.Is(err, client.ErrConnection), errors.Is(err, client.ErrUnreachable):
		t.now.broken++
	case errors.Is(err, client.ErrTimeout):
		t.now.unanswered++
	default:
		t.now.other++
		t.what = err
	}
}

// unexpected tells what no fault may bring to a client.
func (t *tallies) unexpected() (found []string) {
	t.Lock()
	defer t.Unlock()
	for _, kind := range t.order {
		if n := t.all[kind].unanswered; n > 0 {
			found = append(found, fmt.Sprintf("%s: %d requests had no answer in %v", kind, n, stall))
		}
	}
	if t.what != nil {
		found = append(found, fmt.Sprintf("a client saw: %v", t.what))
	}
	return found
}

func (t *tallies) print(w io.Writer) {
	t.Lock()
	defer t.Unlock()
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "fault\ttimes\tall serve again within\t2101\tconnections ended\tlongest upload")
	for _, kind := range t.order {
		if n := t.all[kind]; kind != atRest || n.refused+n.broken > 0 {
			fmt.Fprintf(table, "%s\t%d\t%v\t%d\t%d\t%v\n", kind, n.times,
				n.slowest.Round(time.Millisecond), n.refused, n.broken, n.longest.Round(time.Millisecond))
		}
	}
	_ = table.Flush() // it is for people
}
