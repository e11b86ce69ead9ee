package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/codec"
)

type sendCommand struct {
	Dir         string `placeholder:"DIR" default:"." help:"Directory of transfer.info and me.info (default: the working directory)."`
	Server      string `placeholder:"HOST:PORT" help:"Send to this server instead of the one in transfer.info."`
	Name        string `placeholder:"NAME" help:"Register under this name instead of the one in transfer.info."`
	Parallel    int    `placeholder:"N" default:"4" help:"Send so many files at once, each over a connection of its own, 1 to 32 (default: ${default}). A server of the seed's dialect gets one after the other."`
	Dialect     string `enum:"auto,documented,seed" default:"auto" placeholder:"DIALECT" help:"How to speak to the server: auto, documented or seed."`
	TLS         bool   `name:"tls" help:"Send through TLS, to a server whose certificate the system trusts. The next flags mean it, too."`
	CA          string `name:"ca" xor:"trust" placeholder:"FILE" help:"Trust the certificates in this PEM file and no others."`
	TOFU        bool   `name:"tofu" xor:"trust" help:"Trust the key that the server shows first, remember it in known_hosts beside me.info, and trust no other from then on."`
	ServerName  string `placeholder:"NAME" help:"Name in the server's certificate, where it is not that of the address."`
	Certificate string `placeholder:"FILE" help:"PEM file of this client's own certificate, for servers that ask for one."`
	Key         string `placeholder:"FILE" help:"PEM file of its private key."`

	Files []string `arg:"" optional:"" name:"FILE" help:"Files to send instead of the one in transfer.info."`
}

var dialects = map[string]codec.Dialect{
	"auto": codec.Undecided, "documented": codec.Documented, "seed": codec.Seed,
}

// Run sends the files and prints one line for each. It fails unless every file
// was acknowledged.
func (s sendCommand) Run(ctx context.Context, c console) error {
	if s.Parallel < 1 {
		return fmt.Errorf("--parallel %d: want 1 to %d", s.Parallel, client.MaxParallel)
	}
	show := newDisplay(c.err)
	dial, err := s.dial(show.notice)
	if err != nil {
		return err
	}
	if dial == nil {
		show.notice("The server is not authenticated: without TLS, nothing proves that it is the right one.")
	}
	results, err := client.Transfer{
		Options:  client.Options{Server: s.Server, Dialect: dialects[s.Dialect], Dial: dial},
		Dir:      s.Dir,
		Name:     s.Name,
		Files:    s.Files,
		Parallel: s.Parallel,
		Progress: show.progress,
		Finished: func(r client.Result) { show.finished(r.Path) },
		Notice:   show.notice,
	}.Send(ctx)
	show.end()
	printResults(c.out, results)
	if err == nil {
		return nil
	}
	if results == nil {
		fmt.Fprintf(c.err, "sealquay: %v\n", err)
	}
	if hint := client.Hint(err); hint != "" {
		fmt.Fprintf(c.err, "hint: %s\n", hint)
	}
	return failure{err}
}

// dial returns how to connect with TLS, or nil without it.
func (s sendCommand) dial(notice func(string)) (client.DialFunc, error) {
	if !s.TLS && s.CA == "" && !s.TOFU && s.Certificate == "" && s.Key == "" && s.ServerName == "" {
		return nil, nil
	}
	t := client.TLS{CA: s.CA, ServerName: s.ServerName, Certificate: s.Certificate, Key: s.Key, Notice: notice}
	if s.TOFU {
		t.KnownHosts = filepath.Join(s.Dir, client.KnownHostsName)
	}
	return t.Dial(nil)
}

func printResults(out io.Writer, results []client.Result) {
	for _, r := range results {
		if r.Err != nil {
			fmt.Fprintf(out, "failed        %s: %v\n", printable(r.Path), r.Err)
			continue
		}
		fmt.Fprintf(out, "acknowledged  %s: %d bytes, %s, tries: %d\n",
			printable(r.Path), r.Receipt.Size, checksum(r.Receipt), r.Receipt.Tries)
	}
}

// checksum shows the CRC as the tool of its kind prints it.
func checksum(r client.Receipt) string {
	if r.Checksum == "cksum" {
		return fmt.Sprintf("cksum %d", r.CRC)
	}
	return fmt.Sprintf("%s %08x", r.Checksum, r.CRC)
}

// printable returns a path as it is, or quoted if it could play tricks on the
// terminal.
func printable(path string) string {
	if quoted := strconv.Quote(path); quoted[1:len(quoted)-1] != path {
		return quoted
	}
	return path
}
