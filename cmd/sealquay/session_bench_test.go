package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/internal/config"
)

// BenchmarkSession is a whole durable session over loopback: connect, 1100,
// 1101, 1103 with 1 KiB, 1104. Client and server share the processors.
//
//	go test -run=NONE -bench=BenchmarkSession -cpu=2 ./cmd/sealquay
func BenchmarkSession(b *testing.B) {
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) { benchmarkSession(b, clients) })
	}
}

func benchmarkSession(b *testing.B, clients int) {
	server := startBenchmarkServer(b)
	keys := makeKeys(b, 16)
	content := make([]byte, 1024)
	var number atomic.Int64
	b.SetParallelism((clients + 1) / 2) // times GOMAXPROCS, which -cpu=2 fixes
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := number.Add(1)
			if err := converse(b.Context(), server, fmt.Sprintf("client %d", n), keys[n%16], content); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sessions/s")
}

// BenchmarkPlainFiles is the limit for BenchmarkSession: as many goroutines
// only create, write, sync and rename as many files of 1 KiB.
func BenchmarkPlainFiles(b *testing.B) {
	for _, writers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			dir, content := b.TempDir(), make([]byte, 1024)
			var number atomic.Int64
			b.SetParallelism((writers + 1) / 2)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := plainFile(filepath.Join(dir, fmt.Sprint(number.Add(1))), content); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "files/s")
		})
	}
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
	s, err := startServer(b.Context(), cfg, zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
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

func converse(ctx context.Context, server *server, name string, key *client.Key, content []byte) error {
	s, err := join(ctx, server, name, key)
	if err != nil {
		return err
	}
	defer s.Close()
	return upload(ctx, s, content)
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
