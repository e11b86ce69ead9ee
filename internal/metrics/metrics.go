package metrics

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sealquay/sealquay/handlers"
	"github.com/sealquay/sealquay/persistence"
	"github.com/sealquay/sealquay/reactor"
)

// namespace begins the name of every metric that is not Go's.
const namespace = "sealquay_"

const (
	// patience is how long the storage may take to answer a scrape.
	patience = 2 * time.Second
	// scrapes is how many are served at once.
	scrapes = 4
)

// Sources are what is measured.
type Sources struct {
	Reactor  interface{ Snapshot() reactor.Snapshot }
	Handlers interface{ Snapshot() handlers.Snapshot }
	Store    interface {
		Snapshot() persistence.Snapshot
		WaitingRemovals(context.Context) (int64, error)
		Quota() persistence.Quota
		TotalUsage(context.Context) (files, bytes int64, ok bool, err error)
		Ready(context.Context) error
	}
	// DroppedLines returns how many lines of the log were left out as noise, and
	// how many could not be written.
	DroppedLines func() (sampled, lost int64)
	Version      string
}

// Handler returns what answers GET /metrics.
func Handler(s Sources) http.Handler {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(newCollector(s), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: scrapes, EnableOpenMetrics: true})
}

// figures is what one scrape shows.
type figures struct {
	reactor       reactor.Snapshot
	handlers      handlers.Snapshot
	store         persistence.Snapshot
	ready         bool
	removals      int64
	removalsKnown bool
	quota         persistence.Quota
	files, bytes  int64 // that count against it
	usageKnown    bool
	sampled, lost int64
	version, goes string
}

// read takes all snapshots.
func (s *Sources) read() *figures {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	f := &figures{
		reactor:  s.Reactor.Snapshot(),
		handlers: s.Handlers.Snapshot(),
		store:    s.Store.Snapshot(),
		ready:    s.Store.Ready(ctx) == nil,
		version:  s.Version,
		goes:     runtime.Version(),
	}
	var err error
	f.removals, err = s.Store.WaitingRemovals(ctx)
	f.removalsKnown = err == nil
	f.quota = s.Store.Quota()
	f.files, f.bytes, f.usageKnown, err = s.Store.TotalUsage(ctx)
	f.usageKnown = f.usageKnown && err == nil
	f.sampled, f.lost = s.DroppedLines()
	return f
}

// collector makes metrics of figures.
type collector struct {
	sources Sources
	descs   []*prometheus.Desc // of families, in their order
}

func newCollector(s Sources) *collector {
	c := &collector{sources: s}
	for _, f := range families {
		c.descs = append(c.descs, prometheus.NewDesc(namespace+f.name, f.help, f.labels, nil))
	}
	return c
}

// Describe is called once.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		to <- d
	}
}

// Collect is called for each scrape.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	n := c.sources.read()
	for i, f := range families {
		f.show(n, emitter{c.descs[i], f.kind, to})
	}
}

// An emitter takes the values of one family.
type emitter struct {
	desc *prometheus.Desc
	kind kind
	to   chan<- prometheus.Metric
}

func (e emitter) value(v int64, labels ...string) {
	as := prometheus.GaugeValue
	if e.kind == counter {
		as = prometheus.CounterValue
	}
	e.to <- prometheus.MustNewConstMetric(e.desc, as, float64(v), labels...)
}

func (e emitter) histogram(count int64, sum float64, buckets map[float64]uint64, labels ...string) {
	e.to <- prometheus.MustNewConstHistogram(e.desc, uint64(count), sum, buckets, labels...)
}
