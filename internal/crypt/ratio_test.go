package crypt

import (
	"bytes"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"
)

const ratioPiece = 256 << 10

// BenchmarkCBCDecryptRatio reports the speed of every implementation and how many
// times the standard library's speed that is.
//
//	go test -run - -bench CBCDecryptRatio ./internal/crypt
func BenchmarkCBCDecryptRatio(b *testing.B) {
	key := NewKey()
	work := make(map[string]func([]byte))
	for name, d := range cbcDecrypters() {
		d.reset(&key)
		work[name] = d.decrypt
	}
	reportRatios(b, work, "Standard")
}

// BenchmarkCBCEncryptRatio does so for encryption, which is serial by nature.
func BenchmarkCBCEncryptRatio(b *testing.B) {
	key := NewKey()
	work := make(map[string]func([]byte))
	for name, e := range cbcEncrypters() {
		e.reset(&key)
		work[name] = func(p []byte) { e.encrypt(p, p) }
	}
	reportRatios(b, work, "Standard")
}

// BenchmarkChecksumsRatio does so for both checksums together; and Open beside
// them, which decrypts as well.
func BenchmarkChecksumsRatio(b *testing.B) {
	key := NewKey()
	work := map[string]func([]byte){"Open": NewOpener(&key, &testSecret).Open}
	for name, update := range sumsUpdaters() {
		work[name] = func(p []byte) { update(0, 0, p) }
	}
	reportRatios(b, work, "Generic")
}

// BenchmarkOpenRatio decrypts and sums as many chunks in turn as sixteen uploads have,
// and reports how many times the speed in one pass is that in two.
//
//	go test -run - -bench OpenRatio ./internal/crypt
func BenchmarkOpenRatio(b *testing.B) {
	key := NewKey()
	work := make(map[string]func([]byte))
	for name, d := range cbcDecrypters() {
		o := &Opener{cbc: d}
		o.Reset(&key)
		work[name] = o.Open
	}
	reportRatios(b, work, "VAES")
}

// BenchmarkPieceRatio decrypts and sums chunks in pieces of several sizes, as many
// chunks in turn as sixteen uploads have: more than the second-level cache holds.
//
//	go test -run - -bench PieceRatio ./internal/crypt
func BenchmarkPieceRatio(b *testing.B) {
	key := NewKey()
	o := NewOpener(&key, &testSecret)
	chunks := make([]byte, 16*ratioPiece)
	next := 0
	work := make(map[string]func([]byte))
	for kib := 4; kib <= ratioPiece>>10; kib *= 2 {
		work[strconv.Itoa(kib)+"KiB"] = func([]byte) {
			for piece := range slices.Chunk(chunks[next:next+ratioPiece], kib<<10) {
				o.cbc.decrypt(piece)
				o.sums.Write(piece)
			}
			next = (next + ratioPiece) % len(chunks)
		}
	}
	reportRatios(b, work, "256KiB")
}

// reportRatios runs all in turn, a few milliseconds each, and reports the median
// speeds: noise on the machine meets all of them alike.
func reportRatios(b *testing.B, work map[string]func([]byte), base string) {
	speeds := make(map[string][]float64)
	for b.Loop() {
		for name, process := range work {
			speeds[name] = append(speeds[name], speed(process, 4*time.Millisecond))
		}
	}
	for name, s := range speeds {
		b.ReportMetric(median(s), name+"-GB/s")
		b.ReportMetric(median(s)/median(speeds[base]), name+"-x-"+base)
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkCBCDecryptVersusOpenSSL runs the implementation that is used and the
// command openssl in turn, one second each.
//
//	go test -run - -bench CBCDecryptVersusOpenSSL -benchtime 7x ./internal/crypt
func BenchmarkCBCDecryptVersusOpenSSL(b *testing.B) {
	if _, err := exec.LookPath("openssl"); err != nil {
		b.Skip("no openssl on this machine")
	}
	key := NewKey()
	d := newCBCDecrypter()
	d.reset(&key)
	var ours, theirs []float64
	for b.Loop() {
		ours = append(ours, speed(d.decrypt, time.Second))
		theirs = append(theirs, opensslSpeed(b))
	}
	b.ReportMetric(median(ours), "ours-GB/s")
	b.ReportMetric(median(theirs), "openssl-GB/s")
	b.ReportMetric(median(ours)/median(theirs), "ours-x-openssl")
	b.ReportMetric(0, "ns/op")
}

// speed runs process for about so long and returns GB/s.
func speed(process func([]byte), duration time.Duration) float64 {
	p := make([]byte, ratioPiece)
	process(p)
	start, size := time.Now(), 0
	for time.Since(start) < duration {
		process(p)
		size += len(p)
	}
	return float64(size) / float64(time.Since(start).Nanoseconds())
}

// opensslSpeed returns GB/s, from the last field of the last line: "11092160.75k".
func opensslSpeed(b *testing.B) float64 {
	out, err := exec.Command("openssl", "speed", "-elapsed", "-seconds", "1", "-bytes", strconv.Itoa(ratioPiece),
		"-evp", "aes-128-cbc", "-decrypt").Output()
	fields := bytes.Fields(out)
	if err != nil || len(fields) == 0 {
		b.Fatalf("openssl speed: %v: %q", err, out)
	}
	thousands, err := strconv.ParseFloat(string(bytes.TrimSuffix(fields[len(fields)-1], []byte("k"))), 64)
	if err != nil {
		b.Fatal(err)
	}
	return thousands / 1e6
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
