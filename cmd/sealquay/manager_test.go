package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// A notifySocket is what a service manager listens on.
type notifySocket struct {
	t    *testing.T
	conn *net.UnixConn
}

func listenAsManager(t *testing.T) notifySocket {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return notifySocket{t, conn}
}

// expect waits for a message that matches; keep-alives in front of it are passed over.
func (s notifySocket) expect(pattern string) {
	s.t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	for {
		buf := make([]byte, 1024)
		n, err := s.conn.Read(buf)
		if err != nil {
			s.t.Fatalf("no message %s came: %v", pattern, err)
		}
		switch said := string(buf[:n]); {
		case regexp.MustCompile(pattern).MatchString(said):
			return
		case said != "WATCHDOG=1":
			s.t.Fatalf("the manager was told %q, want %s", said, pattern)
		}
	}
}

// TestServiceManager follows a server from its start to its end as systemd does.
func TestServiceManager(t *testing.T) {
	s := listenAsManager(t)
	t.Setenv("WATCHDOG_USEC", "100000")
	t.Setenv("SEALQUAY_CONFINE", "off") // it would confine the tests
	t.Chdir(t.TempDir())
	status := make(chan int, 1)
	var log bytes.Buffer
	go func() { status <- run([]string{"serve", "--port", "0"}, console{out: &log, err: &log}) }()
	s.expect(`^READY=1\nSTATUS=Receiving at 127\.0\.0\.1:\d+$`)
	for range 3 {
		s.expect(`^WATCHDOG=1$`)
	}
	signalSelf(t, syscall.SIGHUP)
	s.expect(`^RELOADING=1\nMONOTONIC_USEC=\d+\n$`)
	s.expect(`^READY=1$`)
	signalSelf(t, syscall.SIGTERM)
	s.expect(`^STOPPING=1\n`)
	if got := <-status; got != 0 {
		t.Errorf("serve ended with status %d:\n%s", got, log.String())
	}
}

func signalSelf(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), signal); err != nil {
		t.Fatal(err)
	}
}

// TestKeepAlive counts how often the server is asked and what follows from it.
func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &manager{log: zap.NewNop()}
		ctx, cancel := context.WithCancel(t.Context())
		asked, cut := 0, 0
		m.keepAliveEvery(ctx, time.Second, func(ctx context.Context) error {
			switch asked++; asked {
			case 1:
				return nil
			case 2: // stuck: the manager is told nothing, and the server asked again
				<-ctx.Done()
				cut++
				return ctx.Err()
			}
			cancel()
			return errors.New("ended")
		})
		if asked != 3 || cut != 1 {
			t.Errorf("asked %d times, %d times without an answer in time", asked, cut)
		}
	})
}

// TestNobodyIsTold: without a service manager nothing is sent and nothing runs.
func TestNobodyIsTold(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	m := &manager{log: zap.NewNop()}
	m.isReady("127.0.0.1:1234")
	m.keepAlive(func(context.Context) error { t.Error("the server was asked"); return nil })()
}
