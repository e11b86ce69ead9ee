package report

import (
	"bytes"
	"encoding/csv"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sealquay/sealquay/bench"
)

// sample is a result with a stall, as the open model measures it.
func sample(t testing.TB) *bench.Result {
	t.Helper()
	sizes, err := bench.ParseSizes("1KiB")
	if err != nil {
		t.Fatal(err)
	}
	r := &bench.Result{
		Version: bench.ResultVersion,
		Started: time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC),
		Plan: bench.Plan{
			Target: "127.0.0.1:1234", Dialect: "documented", Model: bench.Open, Clients: 4, MaxWait: time.Second,
			Stages: bench.Stages{{Duration: 12 * time.Second, From: 100, To: 100}}, Warmup: 2 * time.Second,
			Mix: bench.Mix{{Scenario: "one-file", Weight: 1}}, Sizes: sizes, Keys: 1, Name: "t",
		},
		Measured: 10 * time.Second,
		Sessions: 990, Failed: 8, Dropped: 2, Files: 990, Bytes: 990 << 10,
		Done:         bench.Rates{Sessions: 99, Files: 99, MiB: 0.097},
		Latencies:    map[bench.Operation]bench.Latency{},
		Failures:     []bench.Failure{{Request: 1103, Kind: "timeout", Count: 8, Example: "<b>& the \"server\" did not answer</b>"}},
		Server:       &bench.ServerUse{PID: 7, CPU: time.Second, Cores: 0.1, PerGiB: 1000},
		Agents:       1,
		Warnings:     []string{"The machine had no processor left."},
		Verification: &bench.Verification{Acknowledged: 990, Found: 990, Bytes: 990 << 10},
	}
	whole := hdrhistogram.New(1000, int64(time.Hour), 3)
	for second := range 12 {
		h := hdrhistogram.New(1000, int64(time.Hour), 3)
		for i := range 100 {
			must(t, h.RecordValue(int64(time.Millisecond)*int64(i+1)))
		}
		whole.Merge(h)
		r.Intervals = append(r.Intervals, bench.Interval{
			End: time.Duration(second+1) * time.Second, Length: time.Second, Measured: second >= 2,
			Sessions: 100 + int64(second%3), Files: 100, Bytes: 100 << 10, Latency: latencyOf(t, h), OwnCPU: time.Second / 10,
		})
	}
	for _, o := range []bench.Operation{bench.Connect, bench.Upload, bench.Session, bench.Uncorrected, bench.Wait} {
		r.Latencies[o] = latencyOf(t, whole)
	}
	few := hdrhistogram.New(1000, int64(time.Hour), 3)
	must(t, few.RecordValues(int64(time.Millisecond), 10))
	r.Latencies[bench.Wait] = latencyOf(t, few)
	return r
}

func latencyOf(t testing.TB, h *hdrhistogram.Histogram) bench.Latency {
	t.Helper()
	encoded, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	must(t, err)
	at := func(p float64) time.Duration { return time.Duration(h.ValueAtPercentile(p)) }
	return bench.Latency{Count: h.TotalCount(), Min: time.Duration(h.Min()), Mean: time.Duration(h.Mean()), P50: at(50), P90: at(90),
		P99: at(99), P999: at(99.9), P9999: at(99.99), Max: time.Duration(h.Max()), Histogram: string(encoded)}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTextSaysWhatMatters(t *testing.T) {
	var out bytes.Buffer
	must(t, Text(&out, sample(t)))
	for _, want := range []string{"open model", "99.0 sessions/s", "8 failed, 2 dropped", "session, from when it was due", "session, uncorrected",
		"1103 timeout", "1000.00 CPU s/GiB", "all 990 acknowledged files are stored", "warning: The machine"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
	r := sample(t)
	r.Verification.Found--
	out.Reset()
	must(t, Text(&out, r))
	if !strings.Contains(out.String(), "NOT VERIFIED") {
		t.Error("a file is lost, and the text does not say it")
	}
}

func TestJSONComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "result.json")
	var out bytes.Buffer
	must(t, JSON(&out, sample(t)))
	must(t, os.WriteFile(path, out.Bytes(), 0o600))
	back, err := Read(path)
	must(t, err)
	if !reflect.DeepEqual(back, sample(t)) {
		t.Errorf("%+v\nis not\n%+v", back, sample(t))
	}
	must(t, os.WriteFile(path, []byte(`{"version": 99}`), 0o600))
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("a result of another version: %v", err)
	}
}

// The document has every key of the JSON, in a table.
func TestDocumentHasEveryKey(t *testing.T) {
	document, err := os.ReadFile("../../docs/BENCHMARKS.md")
	must(t, err)
	var keys func(reflect.Type) []string
	keys = func(of reflect.Type) (all []string) {
		switch of.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			return keys(of.Elem())
		case reflect.Struct:
			for i := range of.NumField() {
				if name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ","); name != "" {
					all = append(append(all, name), keys(of.Field(i).Type)...)
				}
			}
		}
		return all
	}
	for _, key := range keys(reflect.TypeFor[bench.Result]()) {
		if !strings.Contains(string(document), "`"+key+"`") {
			t.Errorf("docs/BENCHMARKS.md does not describe %s", key)
		}
	}
}

func TestCSVHasALineForEachSecond(t *testing.T) {
	var out bytes.Buffer
	must(t, CSV(&out, sample(t)))
	rows, err := csv.NewReader(&out).ReadAll()
	must(t, err)
	if len(rows) != 13 || rows[1][2] != "0" || rows[3][2] != "1" || rows[3][5] != "102" || rows[3][12] != "99.025" {
		t.Errorf("%d rows; the third is %v", len(rows), rows[3])
	}
}

func TestHistogramLogIsRead(t *testing.T) {
	var out bytes.Buffer
	must(t, HistogramLog(&out, sample(t)))
	reader := hdrhistogram.NewHistogramLogReader(&out)
	seconds, totals := 0, 0
	for {
		h, err := reader.NextIntervalHistogram()
		must(t, err)
		if h == nil {
			break
		}
		if h.Tag() == "" && h.TotalCount() == 100 {
			seconds++
		} else if strings.HasPrefix(h.Tag(), "total-") && (h.TotalCount() == 1200 || h.Tag() == "total-wait" && h.TotalCount() == 10) {
			totals++
		} else {
			t.Errorf("%q with %d", h.Tag(), h.TotalCount())
		}
	}
	if seconds != 12 || totals != 5 {
		t.Errorf("%d seconds, %d totals", seconds, totals)
	}
}

func TestConditions(t *testing.T) {
	for text, want := range map[string]bool{
		"p99<50ms": false, "p99<200ms": true, "p50<=50.1ms": true, "p50>1s": false, "max<1s": true, "mean>50ms": true,
		"1103.p99.9<1s": true, "session_uncorrected.p99<1ms": false, "1101.p50<1h": false,
		"errors<1%": true, "errors<0.8%": false, "errors<=0.8%": true, "errors<=7": false, "errors<9": true, "dropped<=0": false, "unfinished<=0": true,
		"files/s>98": true, "sessions/s > 99": false, "mib/s<1": true,
	} {
		c, err := ParseCondition(text)
		if err != nil {
			t.Error(err)
			continue
		}
		if ok, sentence := c.Judge(sample(t)); ok != want || !strings.Contains(sentence, text) {
			t.Errorf("%s: %v, %s", text, ok, sentence)
		}
	}
	for _, wrong := range []string{"", "p99", "p99<", "p99<50", "p99<50kg", "p0<1s", "p101<1s", "files/s<1ms", "errors<1ms", "speed<1ms", "1103.errors<5", "p99=5ms"} {
		if _, err := ParseCondition(wrong); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

func TestCompareTellsNoiseFromChange(t *testing.T) {
	a, same, faster := sample(t), sample(t), sample(t)
	for i := range faster.Intervals {
		faster.Intervals[i].Sessions += 50
	}
	faster.Environment.Go = "go9"
	var out bytes.Buffer
	must(t, Compare(&out, a, same))
	if strings.Contains(out.String(), "better") || strings.Contains(out.String(), "not alike") {
		t.Errorf("the same is called better:\n%s", out.String())
	}
	out.Reset()
	must(t, Compare(&out, a, faster))
	if text := out.String(); strings.Count(text, "better") != 1 || !strings.Contains(text, "+49.5 % better") || !strings.Contains(text, "not alike: Go") {
		t.Errorf("half as much again is not called better:\n%s", out.String())
	}
	out.Reset()
	must(t, Compare(&out, faster, a))
	if strings.Count(out.String(), "worse") != 1 {
		t.Errorf("a third less is not called worse:\n%s", out.String())
	}
}

// The p of small samples, computed by hand from the formulas.
func TestMannWhitney(t *testing.T) {
	for _, c := range []struct {
		a, b []float64
		p    float64
	}{
		{[]float64{1, 2, 3, 4, 5}, []float64{6, 7, 8, 9, 10}, 0.01219},
		{[]float64{1, 2, 3}, []float64{1, 2, 3}, 1},
		{[]float64{1, 1, 2, 2}, []float64{2, 2, 3, 3}, 0.08634},
		{[]float64{5, 5}, []float64{5, 5}, 1},
	} {
		if p := mannWhitney(c.a, c.b); math.Abs(p-c.p) > 1e-4 {
			t.Errorf("%v, %v: %.5f, want %.5f", c.a, c.b, p, c.p)
		}
	}
}

// The page works in a browser that has no network.
func TestPageDrawsItsChartsOffline(t *testing.T) {
	var out bytes.Buffer
	must(t, HTML(&out, sample(t)))
	if strings.Contains(out.String(), "<b>&") || strings.Contains(out.String(), "src=") || strings.Contains(out.String(), "<link") {
		t.Error("the page holds text as markup, or asks for another file")
	}
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here")
	}
	path := filepath.Join(t.TempDir(), "page.html")
	must(t, os.WriteFile(path, out.Bytes(), 0o600))
	dom, err := exec.CommandContext(t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(),
		"--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom", "file://"+path).Output()
	must(t, err)
	text := string(dom)
	if !strings.Contains(text, `data-charts="5"`) || strings.Count(text, "<canvas") != 5 {
		t.Errorf("%d charts were drawn, want 5: what is zero all the time has none", strings.Count(text, "<canvas"))
	}
	if !strings.Contains(text, `class="bar"`) {
		t.Error("there are no bars")
	}
}

func TestChartsHoldTheRun(t *testing.T) {
	c, err := chartsOf(sample(t))
	must(t, err)
	if c.From != 2 || c.To != 12 || len(c.Seconds) != 12 || c.Sessions[2] != 102 || *c.P99[0] != 99.024895 {
		t.Errorf("%+v", c)
	}
	sum := int64(0)
	for _, b := range c.Bars {
		sum += b.Count
	}
	if last := c.Bars[len(c.Bars)-1]; sum != 1200 || last != (barPoint{"< 131 ms", 420}) {
		t.Errorf("%v", c.Bars)
	}
	for _, curve := range c.Curves {
		if len(curve.Values) != len(c.Nines) || curve.Values[20] == nil {
			t.Errorf("%s: %d values", curve.Name, len(curve.Values))
		}
	}
	if *c.Curves[0].Values[20] != 90.046463 || c.Curves[4].Values[25] != nil {
		t.Error("90 % is not at one nine, or ten values tell more than that")
	}
}
