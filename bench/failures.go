package bench

import (
	"cmp"
	"errors"
	"slices"
	"syscall"

	"github.com/sealquay/sealquay/client"
)

// A Failure is a kind of error, and how often it was.
type Failure struct {
	// Request is the code of the request under way, or 0.
	Request int `json:"request"`
	// Kind is refused, timeout, connection, protocol, wrong_crc, name_taken,
	// unreachable, or one of the generator's own: no_ports, no_descriptors, other.
	Kind  string `json:"kind"`
	Count int64  `json:"count"`
	// Example is the text of one of them.
	Example string `json:"example"`
}

type failureKey struct {
	request int
	kind    string
}

// failures counts errors by kind.
type failures map[failureKey]*Failure

func (f failures) add(err error) {
	key := failureKey{kind: kindOf(err)}
	if e, ok := errors.AsType[*client.Error](err); ok {
		key.request = int(e.Request)
	}
	if f[key] == nil {
		f[key] = &Failure{Request: key.request, Kind: key.kind, Example: err.Error()}
	}
	f[key].Count++
}

func (f failures) merge(others failures) {
	for key, other := range others {
		if f[key] == nil {
			f[key] = &Failure{Request: other.Request, Kind: other.Kind, Example: other.Example}
		}
		f[key].Count += other.Count
	}
}

// list returns the failures, the most frequent first.
func (f failures) list() []Failure {
	all := make([]Failure, 0, len(f))
	for _, failure := range f {
		all = append(all, *failure)
	}
	slices.SortFunc(all, func(a, b Failure) int {
		return cmp.Or(-cmp.Compare(a.Count, b.Count), cmp.Compare(a.Request, b.Request), cmp.Compare(a.Kind, b.Kind))
	})
	return all
}

func kindOf(err error) string {
	for _, kind := range []struct {
		is   error
		name string
	}{
		{syscall.EADDRNOTAVAIL, "no_ports"},
		{syscall.EMFILE, "no_descriptors"},
		{syscall.ENFILE, "no_descriptors"},
		{errWrongCRC, "wrong_crc"},
		{client.ErrUnreachable, "unreachable"},
		{client.ErrTimeout, "timeout"},
		{client.ErrNameTaken, "name_taken"},
		{client.ErrRefused, "refused"},
		{client.ErrProtocol, "protocol"},
		{client.ErrConnection, "connection"},
	} {
		if errors.Is(err, kind.is) {
			return kind.name
		}
	}
	return "other"
}
