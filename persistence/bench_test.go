package persistence

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// inParallel spreads b.N calls over so many goroutines.
func inParallel(b *testing.B, goroutines int, call func(n int64) error) {
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range goroutines {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := call(n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

func BenchmarkRegister(b *testing.B) {
	for _, goroutines := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("goroutines=%d", goroutines), func(b *testing.B) {
			s := openTest(b, Options{DataDir: filepath.Join(b.TempDir(), "data")})
			b.ReportAllocs()
			inParallel(b, goroutines, func(n int64) error {
				_, err := s.Register(b.Context(), fmt.Sprintf("client %d", n))
				return err
			})
		})
	}
}

func BenchmarkClient(b *testing.B) {
	s := openTest(b, Options{})
	id := register(b, s, "anna")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Client(b.Context(), id); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUpload is the whole way of a 1 KiB file, Begin to Verify; each
// goroutine is a client of its own.
func BenchmarkUpload(b *testing.B) {
	content := make([]byte, 1<<10)
	for _, durability := range []Durability{Full, Relaxed} {
		for _, goroutines := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("durability=%v/goroutines=%d", durability, goroutines), func(b *testing.B) {
				s := openTest(b, Options{Durability: durability})
				ids := make([]ClientID, goroutines)
				for i := range ids {
					ids[i] = register(b, s, fmt.Sprintf("client %d", i))
				}
				b.ReportAllocs()
				inParallel(b, goroutines, func(n int64) error {
					return upload(b, s, ids[n%int64(goroutines)], fmt.Sprintf("file %d", n), content)
				})
			})
		}
	}
}

// BenchmarkUploadLarge is one file of 256 MiB in chunks of 256 KiB; verify/op is
// how long its client waits for 2104.
func BenchmarkUploadLarge(b *testing.B) {
	s := openTest(b, Options{})
	id := register(b, s, "anna")
	chunk := make([]byte, 256<<10)
	const chunks = 1024
	b.SetBytes(chunks * int64(len(chunk)))
	var waited time.Duration
	for b.Loop() {
		u, err := s.Begin(b.Context(), id, "large", chunks*int64(len(chunk)))
		if err != nil {
			b.Fatal(err)
		}
		for range chunks {
			if _, err := u.Write(chunk); err != nil {
				b.Fatal(err)
			}
		}
		complete := time.Now()
		if err := u.Received(b.Context(), Sums{}); err != nil {
			b.Fatal(err)
		}
		if err := u.Verify(b.Context()); err != nil {
			b.Fatal(err)
		}
		waited += time.Since(complete)
	}
	b.ReportMetric(float64(waited.Milliseconds())/float64(b.N), "verify-ms/op")
}

func upload(b *testing.B, s *Store, id ClientID, name string, content []byte) error {
	u, err := s.Begin(b.Context(), id, name, int64(len(content)))
	if err != nil {
		return err
	}
	if _, err := u.Write(content); err != nil {
		return err
	}
	if err := u.Received(b.Context(), Sums{CRC32: 1}); err != nil {
		return err
	}
	return u.Verify(b.Context())
}
