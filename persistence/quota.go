package persistence

import (
	"errors"
	"fmt"
)

// Quota bounds what is stored and on its way. 0 is no bound. Verified files,
// their earlier versions and uploads under way count. An upload that is to
// replace a verified file counts in its place, not beside it.
type Quota struct {
	ClientFiles, ClientBytes int64 // of each client
	TotalFiles, TotalBytes   int64 // of all clients together
}

// A QuotaKind is one of the bounds of a Quota.
type QuotaKind int

// The bounds.
const (
	QuotaClientFiles QuotaKind = iota
	QuotaClientBytes
	QuotaTotalFiles
	QuotaTotalBytes
)

// String says what is counted, for an error.
func (k QuotaKind) String() string {
	return [...]string{"files of the client", "bytes of the client", "files of all clients", "bytes of all clients"}[k]
}

// QuotaError refuses an upload that would bring more than a quota allows.
type QuotaError struct {
	Kind  QuotaKind
	Used  int64 // as it would be
	Limit int64
}

// Error says which quota, and by how much.
func (e *QuotaError) Error() string {
	return fmt.Sprintf("there would be %d %s, and the quota is %d", e.Used, e.Kind, e.Limit)
}

// A QuotaWarning says that an upload brought a counter to four fifths of its
// quota or above. There is one for each time that the counter rises past it.
type QuotaWarning struct {
	Kind  QuotaKind
	Used  int64
	Limit int64
}

// warningAt is the share of a quota, in hundredths, from which there is a warning.
const warningAt = 80

// What is counted: the column store.Counting.
const (
	countNothing = 0
	countClients = 1
	countTotal   = 2 // and the clients
)

// counting says what is to be counted for the quota.
func (q Quota) counting() int {
	switch {
	case q.TotalFiles > 0 || q.TotalBytes > 0:
		return countTotal
	case q.ClientFiles > 0 || q.ClientBytes > 0:
		return countClients
	}
	return countNothing
}

func (q Quota) check() error {
	if min(q.ClientFiles, q.ClientBytes, q.TotalFiles, q.TotalBytes) < 0 {
		return errors.New("a quota is negative")
	}
	return nil
}

// usage is a number of files, and their bytes.
type usage struct{ Files, Bytes int64 }

func (u usage) plus(v usage) usage  { return usage{u.Files + v.Files, u.Bytes + v.Bytes} }
func (u usage) minus(v usage) usage { return usage{u.Files - v.Files, u.Bytes - v.Bytes} }

// client checks the counters of a client after they changed.
func (q Quota) client(after, change usage) ([]QuotaWarning, error) {
	return compare(
		bound{QuotaClientFiles, after.Files, change.Files, q.ClientFiles},
		bound{QuotaClientBytes, after.Bytes, change.Bytes, q.ClientBytes})
}

// total checks the counters of all after they changed.
func (q Quota) total(after, change usage) ([]QuotaWarning, error) {
	return compare(
		bound{QuotaTotalFiles, after.Files, change.Files, q.TotalFiles},
		bound{QuotaTotalBytes, after.Bytes, change.Bytes, q.TotalBytes})
}

// bound is one counter beside its limit.
type bound struct {
	kind               QuotaKind
	after, rise, limit int64
}

// compare refuses what raised a counter above its limit. A counter that was
// above it already, because the quota was lowered, may fall or stay.
func compare(bounds ...bound) (warnings []QuotaWarning, err error) {
	for _, b := range bounds {
		if b.limit == 0 || b.rise <= 0 {
			continue
		}
		if b.after > b.limit {
			return nil, &QuotaError{b.kind, b.after, b.limit}
		}
		if mark := QuotaWarningMark(b.limit); b.after >= mark && b.after-b.rise < mark {
			warnings = append(warnings, QuotaWarning{b.kind, b.after, b.limit})
		}
	}
	return warnings, nil
}

// QuotaWarningMark returns from what on a counter is near its limit: four fifths of
// it, rounded up.
func QuotaWarningMark(limit int64) int64 {
	return limit/100*warningAt + (limit%100*warningAt+99)/100
}
