package reactor

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sealquay/sealquay/codec"
)

// TestTakeOver replaces a server by another again and again, under load: every
// connection is accepted, and every request is answered.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	listen := func(at netip.AddrPort, beside bool) net.Listener {
		l, err := Listen(context.Background(), at, beside)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	serve := func(l net.Listener) *testReactor {
		return start(t, script{}, func(c *Config) {
			_ = c.Listener.Close()
			c.Listener = l
		})
	}
	old := serve(listen(netip.MustParseAddrPort("127.0.0.1:0"), false))
	at := old.Addr()
	var load sync.WaitGroup
	var over atomic.Bool
	var served atomic.Int64
	for range 8 {
		load.Go(func() {
			for !over.Load() {
				if err := converse(at); err != nil {
					t.Errorf("after %d conversations: %v", served.Load(), err)
					return
				}
				served.Add(1)
			}
		})
	}
	for range 2 {
		before := served.Load()
		eventually(t, "there is load", func() bool { return served.Load() > before+100 })
		waiting := listen(at, true) // its backlog takes connections that nobody accepts yet
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if err := old.Drain(ctx); err != nil {
			t.Errorf("Drain: %v", err)
		}
		cancel()
		old.Reactor = nil
		old = serve(waiting)
	}
	before := served.Load()
	eventually(t, "there is load", func() bool { return served.Load() > before+100 })
	over.Store(true)
	load.Wait()
}

// converse is a client's whole conversation: it closes last.
func converse(at netip.AddrPort) error {
	nc, err := net.Dial("tcp", at.String())
	if err != nil {
		return err
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(patience))
	whole := len(codec.AppendResponse(nil, codec.Documented, codec.Acknowledged{}))
	for range 3 {
		if _, err := nc.Write(registration()); err != nil {
			return err
		}
		if _, err := io.ReadFull(nc, make([]byte, whole)); err != nil {
			return err
		}
	}
	return nil
}

// TestListenAlone: a server that is to be alone does not share a port by
// accident.
func TestListenAlone(t *testing.T) {
	first, err := Listen(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	at := first.Addr().(*net.TCPAddr).AddrPort()
	if l, err := Listen(t.Context(), at, false); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second server listens at the same port: %v, %v", l, err)
	}
	second, err := Listen(t.Context(), at, true)
	if err != nil {
		t.Fatalf("beside: %v", err)
	}
	second.Close()
}

// TestListeners counts the sockets that listen at a port, and only these.
func TestListeners(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		first, err := Listen(t.Context(), netip.MustParseAddrPort(at), false)
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		own := first.Addr().(*net.TCPAddr).AddrPort()
		nc, err := net.Dial("tcp", own.String()) // a socket of the port that does not listen
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		second, err := Listen(t.Context(), own, true)
		if err != nil {
			t.Fatal(err)
		}
		for want := 2; want >= 0; want-- {
			found, err := listeners(int(own.Port()))
			total := 0
			for _, n := range found {
				total += n
			}
			if err != nil || total != want || len(found) > 1 {
				t.Errorf("%s: %v, %v, want %d in all", at, found, err, want)
			}
			if want == 2 {
				_ = second.Close()
			} else {
				_ = first.Close()
			}
		}
	}
}

// TestSteerAway: once the first of two listeners of a port steers away, the
// second gets all connections.
func TestSteerAway(t *testing.T) {
	first, err := Listen(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if steerAway(first) {
		t.Fatal("a lone listener steers away")
	}
	at := first.Addr().(*net.TCPAddr).AddrPort()
	second, err := Listen(t.Context(), at, true)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if !steerAway(first) {
		t.Fatal("the first of two listeners does not steer away")
	}
	for range 50 {
		nc, err := net.Dial("tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
	}
	_ = second.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	for i := range 50 {
		nc, err := second.Accept()
		if err != nil {
			t.Fatalf("after %d of 50 connections: %v", i, err)
		}
		nc.Close()
	}
}
