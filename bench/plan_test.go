package bench

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestStagesAreRead(t *testing.T) {
	s, err := ParseStages("10s:0-100, 30s:100,5s:100-0")
	want := Stages{{10 * time.Second, 0, 100}, {30 * time.Second, 100, 100}, {5 * time.Second, 100, 0}}
	if err != nil || len(s) != 3 || s[0] != want[0] || s[1] != want[1] || s[2] != want[2] {
		t.Errorf("%v, %v", s, err)
	}
	for _, wrong := range []string{"", "10s", "10:5", "1s:x", "1s:0", "-1s:5", "1s:5-", "1s:-5", "1s:NaN", "1s:+Inf"} {
		if s, err := ParseStages(wrong); err == nil {
			t.Errorf("%q was read as %v", wrong, s)
		}
	}
}

// Arrival n is due when the area under the rate is n, and arrivals come in order.
func TestArrivalsFollowTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Stages
		for range rapid.IntRange(1, 4).Draw(t, "stages") {
			s = append(s, Stage{
				Duration: time.Duration(rapid.IntRange(1, 3000).Draw(t, "ms")) * time.Millisecond,
				From:     rapid.Float64Range(0, 500).Draw(t, "from"),
				To:       rapid.Float64Range(0, 500).Draw(t, "to"),
			})
		}
		area := func(until time.Duration) (sum float64) {
			for _, stage := range s {
				part := min(until, stage.Duration)
				end := stage.From + (stage.To-stage.From)*part.Seconds()/stage.Duration.Seconds()
				sum += (stage.From + end) / 2 * part.Seconds()
				until -= part
			}
			return sum
		}
		before := time.Duration(0)
		for n := int64(0); ; n++ {
			due, ok := s.Due(n)
			if !ok {
				if total := area(s.Duration()); total > float64(n)+1e-6 {
					t.Fatalf("no arrival %d of %g", n, total)
				}
				return
			}
			if due < before || math.Abs(area(due)-float64(n)) > 1e-3 {
				t.Fatalf("arrival %d is due at %v, where the area is %g", n, due, area(due))
			}
			before = due
		}
	})
}

func TestClientsComeAndGoWithTheLevel(t *testing.T) {
	s := Stages{{10 * time.Second, 0, 10}, {10 * time.Second, 10, 0}, {time.Second, 7, 7}}
	for _, c := range []struct {
		x        float64
		from, at time.Duration
		ok       bool
	}{
		{0, 0, 1, true},
		{5, 0, 5*time.Second + 1, true},
		{5, 6 * time.Second, 6 * time.Second, true},
		{5, 16 * time.Second, 20 * time.Second, true},
		{8, 16 * time.Second, 0, false},
		{10, 0, 0, false},
		{5, 22 * time.Second, 0, false},
	} {
		if at, ok := s.Above(c.x, c.from); ok != c.ok || at != c.at {
			t.Errorf("above %g from %v: %v %v, want %v %v", c.x, c.from, at, ok, c.at, c.ok)
		}
	}
}

func TestSizesAreDrawn(t *testing.T) {
	for text, want := range map[string]struct{ low, high, mean float64 }{
		"16KiB":                  {16384, 16384, 16384},
		"0":                      {0, 0, 0},
		"uniform:1KiB-3KiB":      {1024, 3072, 2048},
		"lognormal:1KiB:1:1GiB":  {0, 1 << 30, 1024 * math.Exp(0.5)},
		"lognormal:1KiB:3:4KiB":  {0, 4096, 1833},
		"list:1B*3,9B":           {1, 9, 3},
		"list:100B,200B*2,400 B": {100, 400, 225},
	} {
		s, err := ParseSizes(text)
		if err != nil {
			t.Error(err)
			continue
		}
		r := rand.New(rand.NewPCG(1, 2))
		draw, sum := s.drawer(), 0.0
		const n = 20000
		for range n {
			size := float64(draw(r))
			if size < want.low || size > want.high {
				t.Fatalf("%s gave %g", text, size)
			}
			sum += size
		}
		if mean := sum / n; math.Abs(mean-want.mean) > want.mean*0.15 {
			t.Errorf("%s: a mean of %g, want %g", text, mean, want.mean)
		}
		if largest := s.largest(); float64(largest) != want.high {
			t.Errorf("%s: at most %d", text, largest)
		}
	}
	for _, wrong := range []string{"", "x", "-1", "5GiB", "uniform:2-1", "uniform:1", "lognormal:1:1", "lognormal:1:NaN:5", "list:", "list:1*0", "poisson:5"} {
		if _, err := ParseSizes(wrong); err == nil {
			t.Errorf("%q was read", wrong)
		}
	}
}

func TestPlansAreChecked(t *testing.T) {
	plan := small()
	if err := plan.Check(); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*Plan){
		"target":    func(p *Plan) { p.Target = "localhost" },
		"dialect":   func(p *Plan) { p.Dialect = "" },
		"model":     func(p *Plan) { p.Model = "half-open" },
		"warm-up":   func(p *Plan) { p.Warmup = time.Second },
		"stage 1":   func(p *Plan) { p.Stages[0].Duration = 0 },
		"scenario":  func(p *Plan) { p.Mix = Mix{{"none", 1}} },
		"weight":    func(p *Plan) { p.Mix = Mix{{"register", 0}} },
		"size":      func(p *Plan) { p.Sizes = Sizes{"much"} },
		"neither":   func(p *Plan) { p.Sizes = Sizes{"poisson:5"} },
		"clients":   func(p *Plan) { p.Model, p.Clients = Open, 0 },
		"million":   func(p *Plan) { p.Model, p.Clients, p.MaxWait, p.Stages = Open, 1, 1, Stages{{1, 2e6, 2e6}} },
		"may wait":  func(p *Plan) { p.Model, p.Clients = Open, 1 },
		"last":      func(p *Plan) { p.Stages = Stages{{25 * time.Hour, 1, 1}} },
		"encrypted": func(p *Plan) { p.Precompute, p.Sizes = true, Sizes{"1GiB"} },
		"seed's":    func(p *Plan) { p.Dialect, p.Mix = "seed", Mix{{"many-files", 1}} },
		"keys":      func(p *Plan) { p.Keys = 0 },
		"name":      func(p *Plan) { p.Name = "" },
		"negative":  func(p *Plan) { p.Think = -1 },
	} {
		plan := small()
		plan.Stages = append(Stages(nil), plan.Stages...)
		spoil(&plan)
		if err := plan.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestContentIsTheSameFromAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := window{corpus: testCorpus, start: rapid.Int64Range(0, corpusBytes-1).Draw(t, "start"), size: rapid.Int64Range(0, 3*corpusBytes).Draw(t, "size")}
		w.flip = rapid.Bool().Draw(t, "flip")
		at := rapid.Int64Range(0, w.size).Draw(t, "at")
		p := make([]byte, rapid.IntRange(0, 5000).Draw(t, "length"))
		n, err := w.ReadAt(p, at)
		if want := min(int64(len(p)), w.size-at); int64(n) != want || (err == nil) != (n == len(p)) {
			t.Fatalf("%d bytes, %v; want %d", n, err, want)
		}
		for i, b := range p[:n] {
			want := w.corpus[(w.start+at+int64(i))%corpusBytes]
			if w.flip && at == 0 && i == 0 {
				want ^= 0xff
			}
			if b != want {
				t.Fatalf("byte %d", i)
			}
		}
	})
}

var testCorpus = newCorpus(1)
