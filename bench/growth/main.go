// Command growth measures how sealquay holds up as its clients grow in number:
// for each level a fresh server and, in another process, so many clients that
// each do one whole durable session of a 1 KiB file after the other. It prints
// one line for each level: sessions per second, their latency, and what the
// server took of processors and memory.
//
//	go run ./bench/growth
//
// It loads only the loopback interface, from several of its addresses, and ends
// by itself after some minutes. 10,000 clients need 12,000 descriptors in each of
// the two processes (ulimit -n); levels that the limit does not allow are left
// out by name.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/sealquay/sealquay/bench"
	"github.com/sealquay/sealquay/bench/report"
)

type options struct {
	levels   []int
	duration time.Duration
	dir      string
}

func main() {
	var o options
	levels := flag.String("levels", "1,10,100,1000,10000", "numbers of clients")
	flag.DurationVar(&o.duration, "duration", 20*time.Second, "time that is measured at each level")
	flag.StringVar(&o.dir, "dir", ".", "directory for what the servers store; it is removed again")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := o.read(*levels)
	if err == nil {
		err = grow(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

func (o *options) read(levels string) error {
	for word := range strings.SplitSeq(levels, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > 10_000 {
			return fmt.Errorf("the level %q: want numbers of clients from 1 to 10000", word)
		}
		o.levels = append(o.levels, n)
	}
	if o.duration < time.Second || o.duration > 10*time.Minute {
		return fmt.Errorf("a duration of %v: want 1s to 10m", o.duration)
	}
	return nil
}

// grow measures the levels in turn. Nothing is removed before the end: some file
// systems are slow for minutes after many files were.
func grow(ctx context.Context, o options) error {
	root, err := os.MkdirTemp(o.dir, "growth-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	if root, err = filepath.Abs(root); err != nil {
		return err
	}
	binary := filepath.Join(root, "sealquay")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/sealquay").CombinedOutput(); err != nil {
		return fmt.Errorf("build sealquay: %w\n%s", err, out)
	}
	t := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "clients\tsessions/s\tp50\tp99\tmax\tfailed\tserver CPU\tms/session\tserver RSS\tgenerator CPU\t")
	for _, n := range o.levels {
		result, err := measure(ctx, binary, filepath.Join(root, strconv.Itoa(n)), n, o.duration)
		if err != nil {
			fmt.Fprintf(os.Stderr, "growth: %d clients are left out: %v\n", n, err)
			continue
		}
		line(t, n, result)
	}
	return t.Flush()
}

func line(t *tabwriter.Writer, clients int, r *bench.Result) {
	session := r.Latencies[bench.Session]
	fmt.Fprintf(t, "%d\t%.0f\t%s\t%s\t%s\t%d\t%.2f\t%.2f\t%s\t%.2f\t\n", clients, r.Done.Sessions,
		milliseconds(session.P50), milliseconds(session.P99), milliseconds(session.Max), r.Failed+r.Unfinished,
		r.Server.Cores, r.Server.PerFile.Seconds()*1000, report.Bytes(r.Server.PeakRSS), r.Generator.Cores)
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

// measure starts a server in dir and lets so many clients load it.
func measure(ctx context.Context, binary, dir string, clients int, duration time.Duration) (*bench.Result, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	server, addr, err := start(ctx, binary, dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		_ = server.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = server.Wait()                          // its status after a signal says nothing
	}()
	const ramp = 5 * time.Second // all at once would be a test of the backlog
	file := filepath.Join(dir, "result.json")
	load := exec.CommandContext(ctx, binary, "bench", "--target", addr, "--quiet", "--pid", strconv.Itoa(server.Process.Pid),
		"--clients", strconv.Itoa(clients), "--stages", fmt.Sprintf("%v:0-%d,%v:%d", ramp, clients, duration, clients),
		"--warmup", ramp.String(), "--grace", "90s", "--timeout", "90s", "--json", file)
	if out, err := load.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("bench: %w\n%s", err, out)
	}
	return report.Read(file)
}

// start starts a server and returns its address once it is ready.
func start(ctx context.Context, binary, dir string) (*exec.Cmd, string, error) {
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, "", err
	}
	defer log.Close()
	cmd := exec.Command(binary, "serve", "--data-dir", "data", "--ip", "127.0.0.1", "--port", "0")
	cmd.Dir, cmd.Stderr = dir, log
	cmd.Env = append(os.Environ(), "SEALQUAY_MAX_CONNECTIONS=14000")
	endWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	addr, err := awaitReady(ctx, log.Name())
	if err != nil {
		_ = cmd.Process.Kill()
		return nil, "", fmt.Errorf("%w; %v", err, cmd.Wait())
	}
	return cmd, addr, nil
}
