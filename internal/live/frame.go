package live

import (
	"cmp"
	"context"
	"encoding/hex"
	"slices"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

// How many lines the tables of the page have.
const (
	shownUploads = 12
	shownClients = 12
	shownCauses  = 12
	shownQuotas  = 12
)

// namePatience is how long the names of one frame may take to be found.
const namePatience = 100 * time.Millisecond

// A hello is what a viewer gets first.
type hello struct {
	Instance       int64    `json:"instance"` // tells one process from the next
	Version        string   `json:"version"`
	Addr           string   `json:"addr"`
	MaxConnections int64    `json:"maxConnections"`
	MaxUploads     int64    `json:"maxUploads"`
	Budget         int64    `json:"budget"`
	Kept           int      `json:"kept"`
	Curves         []string `json:"curves"`
	Times          []int64  `json:"times"` // ms since 1970
	Points         []point  `json:"points"`
}

// A frame is what a viewer gets every second. Sizes are bytes, times seconds.
type frame struct {
	Time  int64  `json:"time"` // ms since 1970
	State string `json:"state"`
	Why   string `json:"why,omitempty"`
	Point point  `json:"point"`

	Peak    int64 `json:"peak"` // of memory
	Waiting int64 `json:"waitingForMemory"`
	Banned  int64 `json:"banned"`
	Panics  int64 `json:"panics"`

	Files    counted     `json:"files"`
	Requests []operation `json:"requests"`
	Causes   []shown     `json:"causes"`
	Uploads  []upload    `json:"uploads"`
	Clients  []ranked    `json:"clients"`
	Quotas   quotas      `json:"quotas"`
	Storage  storage     `json:"storage"`
}

type counted struct {
	Received  int64 `json:"received"`
	Verified  int64 `json:"verified"`
	Rejected  int64 `json:"rejected"`
	Discarded int64 `json:"discarded"`
	Waiting   int64 `json:"waiting"`
	Bytes     int64 `json:"bytes"`
}

type operation struct {
	Op      string `json:"op"`
	Rate    value  `json:"rate"`
	P50     value  `json:"p50"`
	P99     value  `json:"p99"`
	Wait    value  `json:"wait"` // 99 %
	Total   int64  `json:"total"`
	Refused int64  `json:"refused"`
}

type shown struct {
	What   string `json:"what"`
	Reason string `json:"reason"`
	Rate   value  `json:"rate"`
	Total  int64  `json:"total"`
	Last   int64  `json:"last"` // ms since 1970; 0: before the page's time
}

type upload struct {
	Client   string `json:"client"`
	File     string `json:"file"`
	Size     int64  `json:"size"`
	Received int64  `json:"received"`
	Seconds  value  `json:"seconds"`
}

type ranked struct {
	Client string `json:"client"`
	Rate   value  `json:"rate"`
}

type storage struct {
	Free      int64 `json:"free"`
	Size      int64 `json:"size"`
	Known     bool  `json:"known"`
	Database  int64 `json:"database"`
	Open      int64 `json:"open"`
	Removals  int64 `json:"removals"`
	Full      int64 `json:"full"`
	Failed    int64 `json:"failed"`
	Commits   value `json:"commits"` // a second
	Jobs      value `json:"jobs"`    // of a commit, on average
	CommitP50 value `json:"commitP50"`
	FlushP50  value `json:"flushP50"`
	LogP50    value `json:"logP50"` // flushes of the database's log
	LogP99    value `json:"logP99"`
}

// frame makes a frame of the newest reading.
func (h *hub) frame() *frame {
	long, now := h.history.readings[0], h.history.newest()
	f := &frame{
		Time:    now.at.UnixMilli(),
		Peak:    now.reactor.Memory.Peak,
		Waiting: now.reactor.Memory.Waiting,
		Banned:  now.reactor.BannedSources,
		Panics:  now.reactor.Panics,
		Files: counted{now.handlers.Received, now.handlers.Verified, now.handlers.Rejected,
			now.handlers.Discarded, now.handlers.Waiting, now.handlers.StoredBytes},
		Requests: operations(long, now),
		Causes:   h.seen.rank(long, now),
		Storage:  storageOf(long, now),
	}
	f.State, f.Why, f.Storage.Removals = h.checked.state(now.reactor.Draining)
	if n := len(h.history.points); n > 0 {
		f.Point = h.history.points[n-1]
	}
	ctx, cancel := context.WithTimeout(context.Background(), namePatience)
	defer cancel()
	for _, u := range h.Handlers.Uploads(shownUploads) {
		f.Uploads = append(f.Uploads, upload{h.names.of(ctx, u.Client), logging.Untrusted(u.FileName), u.Size, u.Received,
			value(now.at.Sub(u.Began).Seconds())})
	}
	for _, c := range h.Handlers.TopClients(shownClients) {
		f.Clients = append(f.Clients, ranked{h.names.of(ctx, c.Key), value(c.Rate)})
	}
	f.Quotas = h.quotas(ctx)
	return f
}

func operations(long, now *reading) (all []operation) {
	for i := range now.handlers.Operations {
		late, early := &now.handlers.Operations[i], &long.handlers.Operations[i]
		since := late.Duration.Since(&early.Duration)
		all = append(all, operation{
			Op:      late.Name,
			Rate:    value(float64(since.Count()) / age(long, now)),
			P50:     quantile(&early.Duration, &late.Duration, 0.5),
			P99:     quantile(&early.Duration, &late.Duration, 0.99),
			Wait:    quantile(&early.QueueWait, &late.QueueWait, 0.99),
			Total:   late.Duration.Count(),
			Refused: late.Statuses[uint16(codec.CodeRegistrationError)],
		})
	}
	return all
}

func storageOf(long, now *reading) storage {
	early, late := &long.store, &now.store
	commits := late.Commits.Since(&early.Commits)
	jobs := value(0)
	if n := commits.Count(); n > 0 {
		jobs = value(float64(late.Groups.Sum-early.Groups.Sum) / float64(n))
	}
	return storage{
		Free: late.SpaceFree, Size: late.SpaceAll, Known: late.SpaceKnown, Database: late.DatabaseBytes, Open: late.Uploads,
		Full: late.FullFaults, Failed: late.OtherFaults,
		Commits: value(float64(commits.Count()) / age(long, now)), Jobs: jobs,
		CommitP50: quantile(&early.Commits, &late.Commits, 0.5),
		FlushP50:  quantile(&early.Flushes, &late.Flushes, 0.5),
		LogP50:    quantile(&early.Log, &late.Log, 0.5),
		LogP99:    quantile(&early.Log, &late.Log, 0.99),
	}
}

// seen knows when each cause occurred last.
type seen struct {
	totals map[cause]int64
	last   map[cause]time.Time
}

// note looks for causes that occurred since the last call.
func (s *seen) note(r *reading) {
	now := r.causes()
	if s.last == nil {
		s.last = make(map[cause]time.Time)
	}
	for c, n := range now {
		if s.totals != nil && n > s.totals[c] {
			s.last[c] = r.at
		}
	}
	s.totals = now
}

// rank returns the causes that occurred at all, those that occurred last first.
func (s *seen) rank(long, now *reading) (all []shown) {
	before := long.causes()
	for c, n := range s.totals {
		if n == 0 {
			continue
		}
		line := shown{What: c.what, Reason: string(c.reason), Total: n, Rate: value(float64(n-before[c]) / age(long, now))}
		if at, known := s.last[c]; known {
			line.Last = at.UnixMilli()
		}
		all = append(all, line)
	}
	slices.SortFunc(all, func(a, b shown) int {
		return cmp.Or(cmp.Compare(b.Rate, a.Rate), cmp.Compare(b.Total, a.Total), cmp.Compare(a.What+a.Reason, b.What+b.Reason))
	})
	return all[:min(len(all), shownCauses)]
}

// maxNames bounds the names that are remembered.
const maxNames = 1024

// names finds the names of clients and remembers them.
type names struct {
	store interface {
		Client(context.Context, persistence.ClientID) (persistence.Client, error)
	}
	byID map[codec.ClientID]string
}

// of returns the name of a client, fit to be shown, or its id while that cannot
// be found out.
func (n *names) of(ctx context.Context, id codec.ClientID) string {
	if name, known := n.byID[id]; known {
		return name
	}
	if ctx.Err() != nil {
		return hex.EncodeToString(id[:])
	}
	row, err := n.store.Client(ctx, persistence.ClientID(id))
	if err != nil {
		return hex.EncodeToString(id[:])
	}
	if n.byID == nil || len(n.byID) >= maxNames {
		n.byID = make(map[codec.ClientID]string)
	}
	n.byID[id] = logging.Untrusted(row.Name)
	return n.byID[id]
}
