package main

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/internal/config"
)

// TestBandwidthIsOfTheClient: two connections of one client get no more than its
// bandwidth together, give or take what it may send ahead and what waits. A loop
// reads them, or a worker (reactor/bulk.go), or they come through TLS.
func TestBandwidthIsOfTheClient(t *testing.T) {
	for name, c := range map[string]struct {
		marks  func(*config.Config)
		secure bool
	}{
		"low marks": {marks: func(c *config.Config) { c.ConnectionHighMark, c.ConnectionLowMark = 256*config.KiB, 0 }},
		"lent":      {marks: func(*config.Config) {}},
		"TLS":       {marks: func(*config.Config) {}, secure: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limitedTo := func(c *config.Config) { c.BandwidthPerClient = 2 * config.MiB }
			s := startTestServer(t, limitedTo, c.marks, withTLS(makeCertificate(t, t.TempDir())))
			o := client.Options{Server: s.addr.String(), Timeout: patience}
			if c.secure {
				var err error
				if o.Dial, err = (client.TLS{Unverified: true}).Dial(nil); err != nil {
					t.Fatal(err)
				}
				o.Server = s.TLSAddr().String()
			}
			sendTwice(t, o, 4*config.MiB)
		})
	}
}

// sendTwice sends two files at once as one client whose bandwidth is half of one
// a second.
func sendTwice(t *testing.T, o client.Options, size int64) {
	t.Helper()
	key, err := client.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	var sessions [2]*client.Session
	for i := range sessions {
		if sessions[i], err = client.Dial(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		defer sessions[i].Close()
	}
	id, err := sessions[0].Register(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var both sync.WaitGroup
	for i, s := range sessions {
		s.Resume(id)
		both.Go(func() {
			err := s.ExchangeKey(t.Context(), "alice", key)
			if err == nil {
				_, err = s.Send(t.Context(), client.File{Name: string(rune('a' + i)), Size: size, Content: bytes.NewReader(make([]byte, size))}, nil)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	// Four seconds at that bandwidth. One is ahead, and up to 1 MiB is on its way
	// on each connection.
	if took, least := time.Since(began), time.Second; took < least {
		t.Errorf("%d bytes took %v, want at least %v", 2*size, took, least)
	}
}
