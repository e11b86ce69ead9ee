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

// BenchmarkCBCDecryptRatio runs all implementations in turn, a few milliseconds each, and
// reports their median speeds and how many times the standard library's speed
// that is: noise on the machine meets all of them alike.
//
//	go test -run - -bench CBCDecryptRatio ./internal/crypt
func BenchmarkCBCDecryptRatio(b *testing.B) {
	decrypters := cbcDecrypters()
	speeds := make(map[string][]float64)
	for b.Loop() {
		for name, d := range decrypters {
			speeds[name] = append(speeds[name], decryptSpeed(d, 4*time.Millisecond))
		}
	}
	standard := median(speeds["Standard"])
	for name, s := range speeds {
		b.ReportMetric(median(s), name+"-GB/s")
		b.ReportMetric(median(s)/standard, name+"-x-standard")
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
	var ours, theirs []float64
	for b.Loop() {
		ours = append(ours, decryptSpeed(newCBCDecrypter(), time.Second))
		theirs = append(theirs, opensslSpeed(b))
	}
	b.ReportMetric(median(ours), "ours-GB/s")
	b.ReportMetric(median(theirs), "openssl-GB/s")
	b.ReportMetric(median(ours)/median(theirs), "ours-x-openssl")
	b.ReportMetric(0, "ns/op")
}

// decryptSpeed decrypts for about so long and returns GB/s.
func decryptSpeed(d cbcDecrypter, duration time.Duration) float64 {
	key := NewKey()
	d.reset(&key)
	p := make([]byte, ratioPiece)
	d.decrypt(p)
	start, size := time.Now(), 0
	for time.Since(start) < duration {
		d.decrypt(p)
		size += len(p)
	}
	return float64(size) / float64(time.Since(start).Nanoseconds())
}

// opensslSpeed returns GB/s, from the last field of the last line: "11092160.75k".
func opensslSpeed(b *testing.B) float64 {
	out, err := exec.Command("openssl", "speed", "-seconds", "1", "-bytes", strconv.Itoa(ratioPiece),
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
