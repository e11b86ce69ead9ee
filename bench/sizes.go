package bench

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/sealquay/sealquay/codec"
)

// Sizes is a distribution of file sizes, in bytes:
//
//	16KiB                        fixed
//	uniform:1KiB-1MiB            each size between as likely as the others
//	lognormal:16KiB:1.5:64MiB    median, sigma of the logarithm, largest
//	list:1KiB*8,1MiB*2,100MiB    one of these, by weight
//
// Units are B, KiB, MiB and GiB.
type Sizes struct{ text string }

// ParseSizes reads a distribution.
func ParseSizes(text string) (Sizes, error) {
	s := Sizes{text}
	return s, s.check()
}

// String returns the distribution as it was written.
func (s Sizes) String() string { return s.text }

// MarshalText writes the distribution.
func (s Sizes) MarshalText() ([]byte, error) { return []byte(s.text), nil }

// UnmarshalText reads a distribution.
func (s *Sizes) UnmarshalText(text []byte) error {
	s.text = string(text)
	return s.check()
}

func (s Sizes) check() error { _, _, err := s.parse(); return err }

// largest returns the largest size that can come.
func (s Sizes) largest() int64 { _, most, _ := s.parse(); return most }

// drawer returns a function that draws a size. The distribution must be right.
func (s Sizes) drawer() func(*rand.Rand) int64 { draw, _, _ := s.parse(); return draw }

func (s Sizes) parse() (draw func(*rand.Rand) int64, largest int64, err error) {
	kind, rest, special := strings.Cut(s.text, ":")
	switch {
	case !special:
		size, err := ParseSize(s.text)
		return func(*rand.Rand) int64 { return size }, size, err
	case kind == "uniform":
		return parseUniform(rest)
	case kind == "lognormal":
		return parseLogNormal(rest)
	case kind == "list":
		return parseList(rest)
	}
	return nil, 0, fmt.Errorf("the sizes %q are not as 16KiB, and neither uniform, lognormal nor list", s.text)
}

func parseUniform(text string) (func(*rand.Rand) int64, int64, error) {
	from, to, _ := strings.Cut(text, "-")
	low, err1 := ParseSize(from)
	high, err2 := ParseSize(to)
	if err := errors.Join(err1, err2); err != nil {
		return nil, 0, err
	}
	if low > high {
		return nil, 0, fmt.Errorf("the sizes from %s to %s are none", from, to)
	}
	return func(r *rand.Rand) int64 { return low + r.Int64N(high-low+1) }, high, nil
}

func parseLogNormal(text string) (func(*rand.Rand) int64, int64, error) {
	part := strings.Split(text, ":")
	if len(part) != 3 {
		return nil, 0, fmt.Errorf("lognormal:%s should be as lognormal:16KiB:1.5:64MiB", text)
	}
	median, err1 := ParseSize(part[0])
	sigma, err2 := strconv.ParseFloat(part[1], 64)
	most, err3 := ParseSize(part[2])
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, 0, err
	}
	if !(sigma >= 0) || sigma > 10 || median < 1 {
		return nil, 0, fmt.Errorf("a median of %d and a sigma of %g: want 1 or more, and 0 to 10", median, sigma)
	}
	return func(r *rand.Rand) int64 {
		return int64(min(float64(median)*math.Exp(sigma*r.NormFloat64()), float64(most)))
	}, most, nil
}

func parseList(text string) (func(*rand.Rand) int64, int64, error) {
	var sizes []int64
	var weights []int
	largest, total := int64(0), 0
	for part := range strings.SplitSeq(text, ",") {
		word, times, weighted := strings.Cut(part, "*")
		size, err := ParseSize(word)
		weight := 1
		if weighted && err == nil {
			weight, err = strconv.Atoi(times)
		}
		if err != nil || weight < 1 || weight > 1_000_000 {
			return nil, 0, fmt.Errorf("%q of the list should be as 1KiB or 1KiB*8", part)
		}
		sizes, weights = append(sizes, size), append(weights, weight)
		largest, total = max(largest, size), total+weight
	}
	return func(r *rand.Rand) int64 { return sizes[pick(r, weights, total)] }, largest, nil
}

// pick draws an index by weight.
func pick(r *rand.Rand, weights []int, total int) int {
	at := r.IntN(total)
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	panic("bench: the weights do not add up")
}

var units = []struct {
	name  string
	bytes float64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

// ParseSize reads a size as 1024, 16KiB, 1.5MiB or 2GiB: 0 to what the protocol
// carries.
func ParseSize(text string) (int64, error) {
	for _, unit := range units {
		if number, has := strings.CutSuffix(strings.TrimSpace(text), unit.name); has {
			n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			if size := n * unit.bytes; err == nil && size >= 0 && size <= codec.MaxPlainSize {
				return int64(size), nil
			}
			break
		}
	}
	return 0, fmt.Errorf("the size %q should be as 16KiB, at most %d bytes", text, int64(codec.MaxPlainSize))
}
