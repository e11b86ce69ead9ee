package report

import (
	_ "embed"
	"html/template"
	"io"
	"math"
	"time"

	"github.com/sealquay/sealquay/bench"
	"github.com/sealquay/sealquay/internal/uplot"
)

// The page. The licence of what draws its charts stands in it too.
var (
	//go:embed page/page.html
	pageText string
	//go:embed page/page.css
	pageStyle string
	//go:embed page/charts.js
	pageCharts string
)

// A page is what the template shows.
type page struct {
	*bench.Result
	Load       string
	Mix        string
	Sealing    string
	Operations []operationRow
	Session    *bench.Latency // nil if none succeeded
	Charts     charts

	Style, UPlotStyle   template.CSS
	Script, UPlotScript template.JS
	UPlotLicence        string
}

type operationRow struct {
	Name string
	bench.Latency
}

// charts is the data of the charts. Times on the x-axis are in seconds.
type charts struct {
	Seconds   []float64  `json:"seconds"`
	From      float64    `json:"from"` // the measured time
	To        float64    `json:"to"`
	Sessions  []float64  `json:"sessions"`
	Files     []float64  `json:"files"`
	MiB       []float64  `json:"mib"`
	Active    []float64  `json:"active"`
	P50       []*float64 `json:"p50"` // milliseconds; null in a second without sessions
	P90       []*float64 `json:"p90"`
	P99       []*float64 `json:"p99"`
	Max       []*float64 `json:"max"`
	ServerCPU []float64  `json:"serverCPU"` // processors
	OwnCPU    []float64  `json:"ownCPU"`
	ServerRSS []float64  `json:"serverRSS"` // MiB
	OwnRSS    []float64  `json:"ownRSS"`
	Failed    []float64  `json:"failed"`
	Dropped   []float64  `json:"dropped"`
	Nines     []float64  `json:"nines"` // -log10(1 - quantile)
	Curves    []curve    `json:"curves"`
	Bars      []barPoint `json:"bars"` // of sessions
}

// A curve is an operation's latency in milliseconds over charts.Nines.
type curve struct {
	Name   string     `json:"name"`
	Values []*float64 `json:"values"`
}

type barPoint struct {
	Label string `json:"label"`
	Count int64  `json:"count"`
}

// HTML writes one page that holds all it needs, and opens without a network.
func HTML(w io.Writer, r *bench.Result) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"duration": Duration,
		"bytes":    Bytes,
		"failure":  FailureName,
		"round":    func(d time.Duration) time.Duration { return d.Round(time.Millisecond) },
		"percent":  func(share float64) float64 { return 100 * share },
	}).Parse(pageText)
	if err != nil {
		return err
	}
	p := page{
		Result: r, Load: Load(&r.Plan), Mix: mixText(r.Plan.Mix), Sealing: sealingText(&r.Plan),
		Style: template.CSS(pageStyle), UPlotStyle: template.CSS(uplot.Style),
		Script: template.JS(pageCharts), UPlotScript: template.JS(uplot.Script), UPlotLicence: uplot.Licence,
	}
	for _, o := range r.SortedOperations() {
		p.Operations = append(p.Operations, operationRow{nameIn(r, o), r.Latencies[o]})
	}
	if sessions := r.Latencies[bench.Session]; sessions.Count > 0 {
		p.Session = &sessions
	}
	if p.Charts, err = chartsOf(r); err != nil {
		return err
	}
	return t.Execute(w, p)
}

func chartsOf(r *bench.Result) (c charts, err error) {
	c.From = r.Plan.Warmup.Seconds()
	c.To = c.From + r.Measured.Seconds()
	for _, i := range r.Intervals {
		c.addSecond(i)
	}
	if err := c.addCurves(r); err != nil {
		return c, err
	}
	sessions, err := r.Latencies[bench.Session].Decode()
	if err != nil {
		return c, err
	}
	for _, b := range Bars(sessions) {
		c.Bars = append(c.Bars, barPoint{"< " + Duration(b.Below), b.Count})
	}
	return c, nil
}

func (c *charts) addSecond(i bench.Interval) {
	seconds := max(i.Length.Seconds(), 0.001)
	if seconds < 0.05 {
		return // a rate of so short a time says nothing
	}
	c.Seconds = append(c.Seconds, i.End.Seconds())
	for _, s := range []struct {
		to    *[]float64
		value float64
	}{
		{&c.Sessions, float64(i.Sessions) / seconds},
		{&c.Files, float64(i.Files) / seconds},
		{&c.MiB, float64(i.Bytes) / (1 << 20) / seconds},
		{&c.Active, float64(i.Active)},
		{&c.ServerCPU, i.ServerCPU.Seconds() / seconds},
		{&c.OwnCPU, i.OwnCPU.Seconds() / seconds},
		{&c.ServerRSS, float64(i.ServerRSS) / (1 << 20)},
		{&c.OwnRSS, float64(i.OwnRSS) / (1 << 20)},
		{&c.Failed, float64(i.Failed)},
		{&c.Dropped, float64(i.Dropped)},
	} {
		*s.to = append(*s.to, s.value)
	}
	for _, l := range []struct {
		to    *[]*float64
		value time.Duration
	}{{&c.P50, i.Latency.P50}, {&c.P90, i.Latency.P90}, {&c.P99, i.Latency.P99}, {&c.Max, i.Latency.Max}} {
		*l.to = append(*l.to, point(l.value, i.Latency.Count > 0))
	}
}

func point(d time.Duration, known bool) *float64 {
	if !known {
		return nil
	}
	v := milliseconds(d)
	return &v
}

// addCurves computes the latency of each operation at quantiles that are as far
// apart in nines everywhere, as far as its count goes.
func (c *charts) addCurves(r *bench.Result) error {
	const step = 0.05
	most := 0.0
	for _, l := range r.Latencies {
		most = max(most, nines(l.Count))
	}
	for x := 0.0; x <= most+step; x += step {
		c.Nines = append(c.Nines, x)
	}
	for _, o := range r.SortedOperations() {
		l := r.Latencies[o]
		h, err := l.Decode()
		if err != nil {
			return err
		}
		line := curve{Name: nameIn(r, o)}
		for _, x := range c.Nines {
			value := time.Duration(h.ValueAtPercentile(100 * (1 - math.Pow(10, -x))))
			line.Values = append(line.Values, point(min(value, l.Max), x <= nines(l.Count)+step))
		}
		c.Curves = append(c.Curves, line)
	}
	return nil
}

// nines returns how many nines so many values can tell.
func nines(count int64) float64 { return math.Log10(float64(max(count, 1))) }
