package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/sealquay/sealquay/bench"
	"github.com/sealquay/sealquay/bench/report"
	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logging"
)

// BenchmarkSessions is a whole durable session over loopback: connect, 1100,
// 1101, 1103 with 1 KiB, 1104. The clients are another process on the same
// processors, so that the allocations are the server's. Right before, as many
// goroutines only create, write, sync and rename as many files on the same disk:
// what it can do at most, and the ratio. Nothing is removed before the end,
// because ext4 is slow to give a removed file's inode away for minutes.
//
//	go test -run=NONE -bench=Sessions -benchtime=4000x -count=5 ./cmd/sealquay
func BenchmarkSessions(b *testing.B) {
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) { benchmarkSessions(b, clients) })
	}
}

func benchmarkSessions(b *testing.B, clients int) {
	server := startBenchmarkServer(b)
	plain := plainFiles(b, b.TempDir(), clients)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	addForLoops(server.EventLoops)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := ownCPU(b)
	sessions := runSessions(b, server, clients)
	cpu = ownCPU(b) - cpu
	groups := server.store.Snapshot().Groups
	b.ReportMetric(float64(groups.Sum)/float64(groups.Count()), "jobs/commit")
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(cpu.Microseconds())/float64(b.N), "server-cpu-µs/session")
	b.ReportMetric(sessions, "sessions/s")
	b.ReportMetric(plain, "plain-files/s")
	b.ReportMetric(sessions/plain, "of-plain")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(b.N), "allocs/session")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N), "B/session")
}

// ownCPU is the processor time of this process, which is the server.
func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	usage, err := bench.ProcessUsage(os.Getpid())
	if err != nil {
		b.Fatal(err)
	}
	return usage.CPU
}

// runSessions lets another process do b.N sessions, and returns their rate.
func runSessions(b *testing.B, server *server, clients int) float64 {
	b.Helper()
	file := filepath.Join(b.TempDir(), "result.json")
	load := exec.CommandContext(b.Context(), "sealquay", "bench", "--target", server.Addr().String(), "--quiet",
		"--clients", strconv.Itoa(clients), "--sessions", strconv.Itoa(b.N), "--duration", "10m", "--warmup", "0s", "--json", file)
	b.ResetTimer()
	if out, err := load.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	b.StopTimer()
	result, err := report.Read(file)
	if err != nil || result.Sessions != int64(b.N) {
		b.Fatalf("%v, %+v", err, result)
	}
	return result.Done.Sessions
}

// plainFiles has so many goroutines write b.N files, and returns their rate.
func plainFiles(b *testing.B, dir string, writers int) float64 {
	b.Helper()
	var number atomic.Int64
	var all sync.WaitGroup
	content := make([]byte, 1024)
	start := time.Now()
	for range writers {
		all.Go(func() {
			for n := number.Add(1); n <= int64(b.N); n = number.Add(1) {
				if err := plainFile(filepath.Join(dir, strconv.FormatInt(n, 10)), content); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return float64(b.N) / time.Since(start).Seconds()
}

func plainFile(path string, content []byte) error {
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return err
	}
	_, written := f.Write(content)
	if err := errors.Join(written, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// BenchmarkUpload sends one file of 64 MiB after the other on one connection.
//
//	go test -run=NONE -bench=BenchmarkUpload ./cmd/sealquay
func BenchmarkUpload(b *testing.B) {
	server := startBenchmarkServer(b)
	s, err := join(b.Context(), server, "uploader", makeKeys(b, 1)[0])
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	content := make([]byte, 64<<20)
	b.SetBytes(int64(len(content)))
	b.ResetTimer()
	for b.Loop() {
		if err := upload(b.Context(), s, content); err != nil {
			b.Fatal(err)
		}
	}
}

func startBenchmarkServer(b *testing.B) *server {
	b.Helper()
	cfg, _, err := config.Load(config.Options{Flags: []config.Flag{
		{Name: "--data-dir", Key: "data_dir", Value: b.TempDir()},
		{Name: "--ip", Key: "server_ip_address", Value: "127.0.0.1"},
		{Name: "--port", Key: "port", Value: "0"},
	}})
	if err != nil {
		b.Fatal(err)
	}
	log, _, flush := logging.New(logging.Options{Writer: io.Discard, Level: zapcore.InfoLevel, Format: logging.FormatJSON})
	s, err := startServer(b.Context(), cfg, log)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		defer flush()
		if err := s.Stop(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return s
}

func makeKeys(b *testing.B, n int) []*client.Key {
	b.Helper()
	keys := make([]*client.Key, n)
	for i := range keys {
		var err error
		if keys[i], err = client.NewKey(); err != nil {
			b.Fatal(err)
		}
	}
	return keys
}

// join registers a client and exchanges keys.
func join(ctx context.Context, server *server, name string, key *client.Key) (*client.Session, error) {
	s, err := client.Dial(ctx, client.Options{Server: server.Addr().String()})
	if err != nil {
		return nil, err
	}
	if _, err := s.Register(ctx, name); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.ExchangeKey(ctx, name, key); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func upload(ctx context.Context, s *client.Session, content []byte) error {
	file := client.File{Name: "file", Size: int64(len(content)), Content: bytes.NewReader(content)}
	_, err := s.Send(ctx, file, nil)
	return err
}
