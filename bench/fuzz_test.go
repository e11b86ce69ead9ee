package bench

import (
	"math/rand/v2"
	"testing"

	"github.com/sealquay/sealquay/codec"
)

// Whatever is typed, a distribution that is accepted draws sizes that the
// protocol carries, and stages that are accepted have an order of arrivals.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"16KiB", "uniform:1KiB-1MiB", "lognormal:16KiB:1.5:64MiB", "list:1KiB*8,1MiB", "10s:0-100,30s:100,5s:100-0",
		"one-file=8,many-files", "lognormal:1:10:3GiB", "1ns:1e300", "1s:0-1e-300", "uniform:0-4294967007"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := ParseSizes(text); err == nil {
			draw, r := s.drawer(), rand.New(rand.NewPCG(1, 2))
			for range 20 {
				if size := draw(r); size < 0 || size > s.largest() || size > codec.MaxPlainSize {
					t.Fatalf("%q gave %d", text, size)
				}
			}
		}
		if s, err := ParseStages(text); err == nil {
			before, ok := s.Due(0)
			for n := int64(1); ok && n < 20; n++ {
				due, more := s.Due(n)
				if ok = more; ok && (due < before || due > s.Duration()) {
					t.Fatalf("%q: arrival %d at %v after %v", text, n, due, before)
				}
				before = due
			}
			s.Above(s.Peak()/2, 0)
		}
		if m, err := ParseMix(text); err == nil && len(m) == 0 {
			t.Fatal("an empty mix")
		}
	})
}
