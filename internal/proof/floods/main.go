// Command floods proves that hostile crowds cost honest clients nothing but
// time. It builds the server, starts it under a limit on its memory that a
// control group enforces, and lets honest clients send files, first alone and
// then beside these crowds, all at once:
//
//   - liars register, exchange keys, announce 4 GiB each and send slowly,
//   - registrars register new names without pause,
//   - guessers ask for names that are taken, to learn which exist,
//   - mutes connect and send nothing, or a part of a header,
//   - leavers end their sending in the middle of a request and stay,
//   - breakers connect, send a part and reset the connection.
//
// Every file of the honest clients must be acknowledged and there, the server
// must stay the same process, and what it gave away must be bounded:
//
//	go run ./internal/proof/floods
//
// All traffic is on the loopback interface, from addresses of 127.0.0.0/8.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

// settings say how large the crowds are, and how long they stay.
type settings struct {
	Liars      int
	Registrars int
	Guessers   int
	Mutes      int
	Leavers    int
	Breakers   int
	Honest     int           // clients
	Files      int           // of each honest client, in each of the two rounds
	Stay       time.Duration // of the crowds, at least
	Dir        string
}

func main() {
	s := settings{}
	flag.IntVar(&s.Liars, "liars", 2000, "connections that announce 4 GiB each")
	flag.IntVar(&s.Registrars, "registrars", 32, "connections that register without pause")
	flag.IntVar(&s.Guessers, "guessers", 32, "connections that ask for taken names without pause")
	flag.IntVar(&s.Mutes, "mutes", 2000, "connections that send nothing or too little")
	flag.IntVar(&s.Leavers, "leavers", 500, "connections that are half-closed in a request")
	flag.IntVar(&s.Breakers, "breakers", 16, "clients that connect and reset without pause")
	flag.IntVar(&s.Honest, "honest", 16, "clients that send files")
	flag.IntVar(&s.Files, "files", 60, "files of each of them, alone and again beside the crowds")
	flag.DurationVar(&s.Stay, "stay", 20*time.Second, "least time that the crowds stay")
	limit := flag.Duration("timeout", 10*time.Minute, "most time for all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	if err := prove(ctx, s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "floods:", err)
		os.Exit(1)
	}
}

// prove runs in a directory of its own and prints its figures to w. It fails
// when the proof does.
func prove(ctx context.Context, s settings, w io.Writer) (err error) {
	if s.Dir, err = os.MkdirTemp("", "sealquay-floods-*"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.Dir)) }()
	d, err := newDriver(ctx, s)
	if err != nil {
		return err
	}
	return d.run(ctx, w)
}
