package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestFigureRegistration measures what docs/PERFORMANCE.md says about a
// registration beside 16 uploads. Server, uploads and the client that is measured
// are processes of their own. It runs with SEALQUAY_FIGURES=1 only.
func TestFigureRegistration(t *testing.T) {
	if os.Getenv("SEALQUAY_FIGURES") == "" {
		t.Skip("measures only with SEALQUAY_FIGURES=1")
	}
	p := startProcess(t, t.TempDir(), nil, "--port", "0").ready()
	const rounds, each = 3, 300
	var idle, loaded, bareIdle, bareLoaded []float64
	for round := range rounds {
		idle = append(idle, registrations(t, p.addr, fmt.Sprintf("idle %d", round), each))
		bareIdle = append(bareIdle, flushes(t, each))
		end := upload16(t, p.addr)
		loaded = append(loaded, registrations(t, p.addr, fmt.Sprintf("loaded %d", round), each))
		bareLoaded = append(bareLoaded, flushes(t, each))
		end()
		time.Sleep(2 * time.Second) // the disk has something left to write
	}
	show := func(what string, idle, loaded []float64) {
		slices.Sort(idle)
		slices.Sort(loaded)
		t.Logf("p99 of %s: idle %.1f ms (%.1f to %.1f), beside 16 uploads %.1f ms (%.1f to %.1f), %.1f times", what,
			idle[rounds/2], idle[0], idle[rounds-1], loaded[rounds/2], loaded[0], loaded[rounds-1], loaded[rounds/2]/idle[rounds/2])
	}
	show("a registration", idle, loaded)
	show("writing and flushing 4 KiB, without a server", bareIdle, bareLoaded)
}

// flushes is the limit for registrations, each of which waits for the disk: it
// writes and flushes 4 KiB n times and returns the p99, in milliseconds.
func flushes(t *testing.T, n int) float64 {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "flushed"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	took := make([]float64, n)
	for i := range took {
		begin := time.Now()
		if _, err := file.WriteAt(make([]byte, 4096), int64(i%256)*4096); err != nil {
			t.Fatal(err)
		}
		if err := file.Sync(); err != nil {
			t.Fatal(err)
		}
		took[i] = time.Since(begin).Seconds() * 1e3
		time.Sleep(10 * time.Millisecond)
	}
	slices.Sort(took)
	return took[n*99/100]
}

// registrations has n clients register one after the other, and returns the p99
// of what each took with its connection, in milliseconds.
func registrations(t *testing.T, addr, name string, n int) float64 {
	t.Helper()
	took := make([]float64, n)
	for i := range took {
		begin := time.Now()
		if err := register(t.Context(), addr, fmt.Sprintf("%s.%d", name, i)); err != nil {
			t.Fatal(err)
		}
		took[i] = time.Since(begin).Seconds() * 1e3
		time.Sleep(10 * time.Millisecond)
	}
	slices.Sort(took)
	return took[n*99/100]
}

// upload16 keeps 16 clients uploading files of 64 MiB until end is called.
func upload16(t *testing.T, addr string) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	load := exec.CommandContext(ctx, "sealquay", "bench", "run", "--target", addr, "--quiet", "--clients", "16",
		"--size", "64MiB", "--duration", "1m", "--warmup", "0s")
	if err := load.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second) // all of them upload then
	return func() {
		cancel()
		_ = load.Wait() // it was ended
	}
}
