// Command compare measures what an upload costs the server: sealquay beside a
// plain Go program that only receives, writes and syncs, nginx (HTTPS PUT) and
// OpenSSH (sftp), in turn, on loopback, on this machine. It prints the
// processor seconds of each server per GiB, and their ratios to sealquay's.
//
//	go run ./bench/compare
//
// nginx and sshd are used where they are installed (Debian: nginx-light and
// openssh-server), and -install installs them. It starts its own servers on
// free ports and ends only those.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == plainArgument {
		exitOn(receivePlainly())
		return
	}
	o := options{streams: []int{1, 16}}
	flag.Int64Var(&o.mebibytes, "mib", 1024, "MiB of content in each run")
	flag.IntVar(&o.rounds, "rounds", 5, "runs of each server; the median counts")
	flag.StringVar(&o.dir, "dir", ".", "directory for what the servers store; it is removed again")
	flag.Func("streams", "how many uploads at once, as in 1,16 (the default)", o.setStreams)
	flag.StringVar(&o.other, "other", "", "the binary of another build of sealquay, to be measured as well")
	flag.BoolVar(&o.peers, "peers", true, "measure nginx and OpenSSH, too; false: only sealquay and the plain Go program")
	install := flag.Bool("install", false, "install nginx and openssh-server by apt-get first")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *install {
		exitOn(installPeers(ctx))
	}
	exitOn(compare(ctx, o))
}

type options struct {
	mebibytes int64
	rounds    int
	streams   []int
	peers     bool
	other     string
	dir       string
}

func (o *options) setStreams(list string) error {
	o.streams = nil
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is not a number of streams", word)
		}
		o.streams = append(o.streams, n)
	}
	return nil
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func installPeers(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "apt-get", "install", "-y", "-qq", "nginx-light", "openssh-server", "openssh-client")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}

// compare runs every server in turn, round after round, so that a machine that
// becomes slower does so for all of them.
func compare(ctx context.Context, o options) error {
	root, err := os.MkdirTemp(o.dir, "compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	servers, err := prepare(ctx, root, o)
	if err != nil {
		return err
	}
	for _, streams := range o.streams {
		costs := make([][]float64, len(servers))
		for range o.rounds {
			for i, s := range servers {
				cost, err := measure(ctx, s, root, streams, o.mebibytes<<20)
				if err != nil {
					return fmt.Errorf("%s, %d streams: %w", s.name, streams, err)
				}
				costs[i] = append(costs[i], cost)
			}
		}
		print(streams, o, servers, costs)
	}
	return nil
}

func print(streams int, o options, servers []server, costs [][]float64) {
	fmt.Printf("%d MiB in %d streams, %d rounds: processor seconds of the server per GiB\n", o.mebibytes, streams, o.rounds)
	t := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "server\tmin\tmedian\tmax\tsealquay is\t")
	ours := median(costs[0])
	for i, s := range servers {
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%.2f x\t\n", s.name,
			slices.Min(costs[i]), median(costs[i]), slices.Max(costs[i]), ours/median(costs[i]))
	}
	t.Flush()
	fmt.Println()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
