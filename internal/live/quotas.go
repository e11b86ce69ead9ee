package live

import (
	"cmp"
	"context"
	"slices"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/persistence"
)

// A usage is what counts against the quotas of a client, or of all together.
type usage struct {
	client       codec.ClientID
	ofAll        bool
	files, bytes int64
}

// usages asks for that of all, and for those of the clients that send most. Of
// what has no quota it asks nothing.
func (s *Sources) usages(ctx context.Context) (all []usage, err error) {
	q := s.Store.Quota()
	if q.TotalFiles > 0 || q.TotalBytes > 0 {
		u := usage{ofAll: true}
		if u.files, u.bytes, _, err = s.Store.TotalUsage(ctx); err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	if q.ClientFiles == 0 && q.ClientBytes == 0 {
		return all, nil
	}
	for _, c := range s.Handlers.TopClients(shownClients) {
		u := usage{client: c.Key}
		if u.files, u.bytes, _, err = s.Store.ClientUsage(ctx, persistence.ClientID(c.Key)); err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, nil
}

// quotas is what the page says of quotas.
type quotas struct {
	Set   bool    `json:"set"` // there are any
	Lines []quota `json:"lines"`
}

// A quota is a limit beside what counts against it.
type quota struct {
	Client string `json:"client"` // "": of all clients together
	Kind   string `json:"kind"`   // files, bytes
	Used   int64  `json:"used"`
	Limit  int64  `json:"limit"`
	Near   bool   `json:"near"` // four fifths are used
}

// quotas returns those of all first, then the clients' by the share that is used.
func (h *hub) quotas(ctx context.Context) (all quotas) {
	q := h.Store.Quota()
	all.Set = q != persistence.Quota{}
	for _, u := range h.checked.used() {
		if u.ofAll {
			all.add("", u, q.TotalFiles, q.TotalBytes)
		} else {
			all.add(h.names.of(ctx, u.client), u, q.ClientFiles, q.ClientBytes)
		}
	}
	slices.SortStableFunc(all.Lines, func(a, b quota) int {
		if ofAll := cmp.Compare(min(len(a.Client), 1), min(len(b.Client), 1)); ofAll != 0 {
			return ofAll
		}
		return cmp.Compare(b.share(), a.share())
	})
	all.Lines = all.Lines[:min(len(all.Lines), shownQuotas)]
	return all
}

func (q *quotas) add(client string, u usage, files, bytes int64) {
	if bytes > 0 {
		q.Lines = append(q.Lines, quota{client, "bytes", u.bytes, bytes, u.bytes >= persistence.QuotaWarningMark(bytes)})
	}
	if files > 0 {
		q.Lines = append(q.Lines, quota{client, "files", u.files, files, u.files >= persistence.QuotaWarningMark(files)})
	}
}

func (q quota) share() float64 { return float64(q.Used) / float64(q.Limit) }
