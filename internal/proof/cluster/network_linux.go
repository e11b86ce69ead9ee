package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"

	"github.com/sealquay/sealquay/internal/proof/port"
)

// road is the way from one node to one of the servers. What goes over it can be
// lost, slowed down and cut off. It is for one goroutine.
type road struct {
	server *toxiproxy.ApiServer
	proxy  *toxiproxy.Proxy
}

// The troubles of a road, as toxiproxy reads them. What is said to be lost is
// lost without a word: the connections stay, until the road is mended.
var (
	slow = []string{
		// The bandwidth, in KB/s of each connection, comes first: latency would
		// hold all that a node sends faster.
		`{"type": "bandwidth", "stream": "upstream", "attributes": {"rate": 2000}}`,
		`{"type": "latency", "stream": "upstream", "attributes": {"latency": 200, "jitter": 150}}`,
	}
	failing = []string{
		`{"type": "reset_peer", "stream": "upstream", "toxicity": 0.3, "attributes": {"timeout": 5}}`,
		`{"type": "reset_peer", "stream": "downstream", "toxicity": 0.3, "attributes": {"timeout": 5}}`,
	}
	losesAnswers = []string{`{"type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}`}
	silent       = append([]string{`{"type": "timeout", "stream": "upstream", "attributes": {"timeout": 0}}`}, losesAnswers...)

	// What a node says to PostgreSQL at the end of a transaction, and the answer.
	losesCommits  = []string{`{"type": "forgetful", "stream": "upstream", "attributes": {"text": "commit\u0000"}}`}
	losesOutcomes = []string{`{"type": "forgetful", "stream": "downstream", "attributes": {"text": "COMMIT\u0000"}}`}
)

// forgetful is a toxic that lets through what comes before a text, and loses
// that and all after it.
type forgetful struct {
	Text string `json:"text"`
}

// Pipe is called for each connection.
func (f *forgetful) Pipe(stub *toxics.ToxicStub) {
	for lost := false; ; {
		select {
		case <-stub.Interrupt:
			return
		case chunk := <-stub.Input:
			if chunk == nil {
				stub.Close()
				return
			}
			lost = lost || bytes.Contains(chunk.Data, []byte(f.Text))
			if !lost {
				stub.Output <- chunk
			}
		}
	}
}

// newRoad opens a road from a port of the loopback interface to an address.
func newRoad(to string) (*road, error) {
	at, err := port.Free()
	if err != nil {
		return nil, err
	}
	zerolog.SetGlobalLevel(zerolog.Disabled) // some of toxiproxy has no other logger
	toxics.Register("forgetful", new(forgetful))
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	r := &road{server: server}
	return r, r.open(fmt.Sprintf("127.0.0.1:%d", at), to)
}

func (r *road) open(at, to string) error {
	r.proxy = toxiproxy.NewProxy(r.server, "road", at, to)
	return r.proxy.Start()
}

func (r *road) addr() string { return r.proxy.Listen }

// close ends what is on the road, and lets nobody onto it.
func (r *road) close() { r.proxy.Stop() }

// spoil makes troubles that last until the road is mended, for connections that
// are there and new ones.
func (r *road) spoil(troubles []string) error {
	for _, trouble := range troubles {
		if _, err := r.proxy.Toxics.AddToxicJson(strings.NewReader(trouble)); err != nil {
			return err
		}
	}
	return nil
}

// mend ends what is on the road, which may have lost something, and opens a new
// one in its place. The troubles go with the old one: to take them away, toxiproxy
// waits for each connection, for ever for one that ended with bytes on the way.
func (r *road) mend() error {
	r.close()
	return r.open(r.proxy.Listen, r.proxy.Upstream)
}
