package crypt

import (
	"hash/crc32"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A timingTest measures whether the time of an opener tells two classes of
// content apart, as dudect does (Reparaz, Balasch and Verbauwhede, "Dude, is my
// code constant time?", 2017): classes in random order, the slowest tenth of
// the measurements dropped, Welch's t-test.
type timingTest struct {
	name string
	open func([]byte)
	a, b func() []byte
}

// |t| below unsuspicious is no evidence of a difference; above certain there is
// one.
const (
	unsuspicious = 4.5
	certain      = 10
)

// timingTests are of OpenLast and of the opener as it would be written without
// thought of time. That one shows that the method sees a difference where there
// is one.
func timingTests() []timingTest {
	key := NewKey()
	opener := NewOpener(&key, &testSecret)
	constant := func(p []byte) {
		opener.sums = Checksums{}
		opener.OpenLast(p)
	}
	naive := func(p []byte) { naiveOpenLast(opener.cbc, p) }

	bad := func() []byte { return contentPadded(&key, 0) }
	good := func() []byte { return contentPadded(&key, 1+rand.IntN(16)) }
	short := func() []byte { return contentPadded(&key, 1) }
	long := func() []byte { return contentPadded(&key, 16) }
	return []timingTest{
		{"Opener/BadOrGoodPadding", constant, bad, good},
		{"Opener/ShortOrLongPadding", constant, short, long},
		{"Naive/BadOrGoodPadding", naive, bad, good},
		{"Naive/ShortOrLongPadding", naive, short, long},
	}
}

// t takes n measurements and returns |t|.
func (c timingTest) t(n int) float64 {
	samples := newSamples(c.a, c.b)
	var times [2][]float64
	p := make([]byte, 32)
	for range n {
		s := &samples[rand.IntN(len(samples))]
		copy(p, s.content)
		start := time.Now()
		c.open(p)
		times[s.class] = append(times[s.class], float64(time.Since(start)))
	}
	return math.Abs(welchT(times))
}

// BenchmarkOpenLastTiming is the long form: it reports |t|.
//
//	go test -run - -bench OpenLastTiming -benchtime 2000000x ./internal/crypt
func BenchmarkOpenLastTiming(b *testing.B) {
	for _, c := range timingTests() {
		b.Run(c.name, func(b *testing.B) { b.ReportMetric(c.t(b.N), "|t|") })
	}
}

// TestOpenLastTiming is the short form. A difference is in every round; what a
// busy machine does by chance is not.
func TestOpenLastTiming(t *testing.T) {
	const rounds, measurements = 10, 20_000
	tests := timingTests()
	for _, c := range tests[:2] {
		t.Run(c.name, func(t *testing.T) {
			var seen []float64
			for range rounds {
				if seen = append(seen, c.t(measurements)); seen[len(seen)-1] < unsuspicious {
					return
				}
			}
			t.Errorf("the time tells the padding: |t| is %.1f in %d rounds", seen, rounds)
		})
	}
	t.Run(tests[2].name, func(t *testing.T) {
		for range rounds {
			if tests[2].t(measurements) > certain {
				return
			}
		}
		t.Error("the test does not see what an opener without thought of time gives away")
	})
}

// contentPadded makes content of two random blocks that end in so much padding, or in
// bad padding for 0.
func contentPadded(key *Key, padding int) []byte {
	plain := make([]byte, 32)
	for i := range plain {
		plain[i] = byte(rand.Uint32())
	}
	for i := range padding {
		plain[31-i] = byte(padding)
	}
	if padding == 0 {
		plain[31] = byte(17 + rand.IntN(239))
	}
	return encryptBlocks(key, plain)
}

// sample is one content of class 0 or 1.
type sample struct {
	content []byte
	class   int
}

// newSamples makes a thousand samples of two classes, both made in the same way.
func newSamples(makers ...func() []byte) []sample {
	samples := make([]sample, 1000)
	for i := range samples {
		class := i % 2
		samples[i] = sample{makers[class](), class}
	}
	return samples
}

// naiveOpenLast does what OpenLast does, as it would be written without thought of time.
func naiveOpenLast(d cbcDecrypter, p []byte) (n int, sum uint32, ok bool) {
	d.decrypt(p)
	padding, ok := naivePadding([16]byte(p[len(p)-16:]))
	if !ok {
		return 0, 0, false
	}
	n = len(p) - padding
	return n, crc32.ChecksumIEEE(p[:n]), true
}

// welchT compares the means of two sets, without the slowest tenth of all: there the machine
// was busy with something else.
func welchT(times [2][]float64) float64 {
	all := slices.Concat(times[0], times[1])
	slices.Sort(all)
	limit := all[len(all)*9/10]
	var mean, variance, count [2]float64
	for class, set := range times {
		for _, x := range set {
			if x <= limit { // Welford's running mean and variance
				count[class]++
				difference := x - mean[class]
				mean[class] += difference / count[class]
				variance[class] += difference * (x - mean[class])
			}
		}
	}
	return (mean[0] - mean[1]) / math.Sqrt(variance[0]/(count[0]*(count[0]-1))+variance[1]/(count[1]*(count[1]-1)))
}
