package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/sealquay/sealquay/internal/logging"
)

// A server that is ready runs a thread more for each of its loops, unless its
// environment says how many it shall run. The runtime tells by GODEBUG=schedtrace.
func TestServerAddsForLoops(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	runtime.SetDefaultGOMAXPROCS()
	processors := runtime.GOMAXPROCS(before)
	for _, tt := range []struct {
		environment string
		want        int
	}{
		{"", processors + 3},
		{"5", 5},
	} {
		t.Run("GOMAXPROCS="+tt.environment, func(t *testing.T) {
			ctx, end := context.WithTimeout(t.Context(), processPatience)
			serve := exec.CommandContext(ctx, "sealquay", "serve", "--ip", "127.0.0.1", "--port", "0", "--data-dir", "data")
			serve.Dir = t.TempDir()
			serve.Env = append(os.Environ(), "GODEBUG=schedtrace=20", "SEALQUAY_EVENT_LOOPS=3", "GOMAXPROCS="+tt.environment)
			log, err := serve.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := serve.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				end()
				_ = serve.Wait() // it was killed
			}()
			if got, want := tracedOnceReady(t, bufio.NewScanner(log)), strconv.Itoa(tt.want); got != want {
				t.Errorf("%s threads run at once, want %s", got, want)
			}
		})
	}
}

// traced is what the runtime says, where no line of the log has come in between.
var traced = regexp.MustCompile(`^SCHED \d+ms: gomaxprocs=(\d+) idleprocs=`)

// tracedOnceReady returns the first GOMAXPROCS that the runtime tells after the
// server was ready.
func tracedOnceReady(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	for ready := false; lines.Scan(); {
		ready = ready || strings.Contains(lines.Text(), string(logging.ServerReady))
		if found := traced.FindStringSubmatch(lines.Text()); ready && found != nil {
			return found[1]
		}
	}
	t.Fatalf("the server ended, or nothing was traced in %v", processPatience)
	return ""
}
