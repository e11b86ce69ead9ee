package account

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Account keeps the versions of files. It is safe for concurrent use, but the
// versions of one file come one after the other.
type Account struct {
	seed uint64
	most int // bytes of a content

	mu           sync.Mutex
	files        map[File]*versions
	acknowledged int
}

// versions of one file, by number from 1; 0 is that there is none.
type versions struct {
	begun   []int // in order
	settled int   // acknowledged, or found after a restart
	doubted []int // may have been committed since
}

// New makes an account of files whose content comes from seed.
func New(seed uint64) *Account { return NewBelow(Usual, seed) }

// NewBelow is New with contents of up to most bytes.
func NewBelow(most int, seed uint64) *Account {
	return &Account{seed: seed, most: most, files: map[File]*versions{}}
}

// content is what a version of a file holds.
func (a *Account) content(f File, version int) []byte {
	return contentBelow(a.most, a.seed, f, version)
}

// Begin begins a new version of a file, and returns its content. Nothing of it
// may be seen until Doubt.
func (a *Account) Begin(f File) (version int, content []byte) {
	a.mu.Lock()
	v := a.versions(f)
	version = len(v.begun) + 1
	v.begun = append(v.begun, version)
	a.mu.Unlock()
	return version, a.content(f, version)
}

// versions returns those of a file. The lock is held.
func (a *Account) versions(f File) *versions {
	v := a.files[f]
	if v == nil {
		v = &versions{}
		a.files[f] = v
	}
	return v
}

// Doubt says that from now on the version may come to be: it is called before
// the request that asks for it. A version that Begin did not make is begun by
// this; its number is the caller's.
func (a *Account) Doubt(f File, version int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.versions(f)
	if !slices.Contains(v.begun, version) {
		v.begun = append(v.begun, version)
	}
	v.doubted = append(v.doubted, version)
}

// Acknowledge says that the version was acknowledged: from now on it, or a
// later one, must be there.
func (a *Account) Acknowledge(f File, version int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.files[f]
	v.settled, v.doubted = version, nil
	a.acknowledged++
}

// Acknowledged counts all acknowledgements.
func (a *Account) Acknowledged() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.acknowledged
}

// Clone returns an account that goes on from here by itself.
func (a *Account) Clone() *Account {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := NewBelow(a.most, a.seed)
	b.acknowledged = a.acknowledged
	for f, v := range a.files {
		b.files[f] = &versions{begun: slices.Clone(v.begun), settled: v.settled, doubted: slices.Clone(v.doubted)}
	}
	return b
}

// Verdict is what a comparison found.
type Verdict struct {
	Files    int      // that are there, as they should be
	Lost     []string // acknowledged, and missing or not what was acknowledged
	Unasked  []string // there, although nobody asked for it
	Doubted  int      // versions whose request had no answer
	Survived int      // of those, versions that came to be
}

// Compare holds the files that a restarted server has against the account.
// Each is given with a function that reads its content; what cannot be read is
// lost. What is found is settled: it must be there from now on. No version may
// be under way.
func (a *Account) Compare(found map[File]func() ([]byte, error)) Verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	var verdict Verdict
	for f := range found {
		if a.files[f] == nil {
			verdict.Unasked = append(verdict.Unasked, fmt.Sprintf("%v", f))
		}
	}
	for _, f := range slices.SortedFunc(maps.Keys(a.files), order) {
		a.compare(f, found[f], &verdict)
	}
	return verdict
}

func order(a, b File) int {
	return cmp.Or(cmp.Compare(a.Client, b.Client), cmp.Compare(a.Name, b.Name))
}

func (a *Account) compare(f File, read func() ([]byte, error), verdict *Verdict) {
	v := a.files[f]
	doubted := v.doubted
	v.doubted = nil
	verdict.Doubted += len(doubted)
	if read == nil && v.settled == 0 {
		return
	}
	if read == nil {
		verdict.Lost = append(verdict.Lost, fmt.Sprintf("%v version %d: not there", f, v.settled))
		return
	}
	content, err := read()
	if err != nil {
		verdict.Lost = append(verdict.Lost, fmt.Sprintf("%v version %d (0: none was acknowledged): %v", f, v.settled, err))
		return
	}
	if v.settled > 0 && bytes.Equal(content, a.content(f, v.settled)) {
		verdict.Files++
		return
	}
	for _, version := range doubted {
		if bytes.Equal(content, a.content(f, version)) {
			v.settled = version
			verdict.Files++
			verdict.Survived++
			return
		}
	}
	a.wrong(f, v.settled, content, verdict)
}

// wrong notes a file whose content is none of those it may have.
func (a *Account) wrong(f File, settled int, content []byte, verdict *Verdict) {
	what := fmt.Sprintf("%v: %d bytes that nobody sent", f, len(content))
	for _, version := range a.files[f].begun {
		if bytes.Equal(content, a.content(f, version)) {
			what = fmt.Sprintf("%v: version %d", f, version)
		}
	}
	if settled > 0 {
		verdict.Lost = append(verdict.Lost, fmt.Sprintf("%s, where version %d was acknowledged", what, settled))
		return
	}
	verdict.Unasked = append(verdict.Unasked, what)
}
