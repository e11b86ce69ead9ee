package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealquay/sealquay/codec"
)

// keyed returns a session that can send files.
func keyed(t *testing.T, server *documentedServer) *Session {
	t.Helper()
	s, err := Dial(t.Context(), Options{Server: server.address(), Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.Register(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	if err := s.ExchangeKey(t.Context(), "ann", testKey(t)); err != nil {
		t.Fatal(err)
	}
	return s
}

func testKey(t testing.TB) *Key {
	t.Helper()
	m, err := ParseMeInfo(readTestdata(t, "ours.me.info"))
	if err != nil {
		t.Fatal(err)
	}
	return m.Key
}

func file(content []byte) File {
	return File{Name: "a", Size: int64(len(content)), Content: bytes.NewReader(content)}
}

func TestFileThatChangesEndsTheSession(t *testing.T) {
	for _, size := range []int64{1, 5000, 1 << 20} {
		for _, by := range []int64{-1, 1} {
			server := newDocumentedServer(t)
			s := keyed(t, server)
			f := file(random(int(size)))
			f.Size += by
			_, err := s.Send(t.Context(), f, nil)
			if !errors.Is(err, ErrFileChanged) || s.Usable() == nil {
				t.Errorf("%d bytes announced as %d: %v, usable %v", size, f.Size, err, s.Usable())
			}
			if _, again := s.Send(t.Context(), file(nil), nil); !errors.Is(again, ErrFileChanged) {
				t.Errorf("the session went on: %v", again)
			}
			server.finish()
			for _, r := range server.requests { // the server never saw a whole one
				if r.code == 1103 {
					t.Errorf("%d bytes announced as %d were sent", size, f.Size)
				}
			}
		}
	}
}

type brokenDisk struct{ io.ReaderAt }

func (brokenDisk) ReadAt(p []byte, at int64) (int, error) { return 0, io.ErrNoProgress }

func TestFileThatCannotBeRead(t *testing.T) {
	s := keyed(t, newDocumentedServer(t))
	_, err := s.Send(t.Context(), File{Name: "a", Size: 1 << 20, Content: brokenDisk{}}, nil)
	if !errors.Is(err, ErrFile) || !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("error %v", err)
	}
}

func TestSendChecksBeforeItSends(t *testing.T) {
	server := newDocumentedServer(t)
	s := keyed(t, server)
	for _, test := range []struct {
		file File
		want *Problem
	}{
		{File{Name: "a", Size: codec.MaxPlainSize + 1}, ErrTooLarge},
		{File{Name: "a", Size: -1}, ErrTooLarge},
		{File{Name: "", Size: 0}, ErrName},
		{File{Name: strings.Repeat("n", 255)}, ErrName},
		{File{Name: "\xff"}, ErrName},
	} {
		if _, err := s.Send(t.Context(), test.file, nil); !errors.Is(err, test.want) || s.Usable() != nil {
			t.Errorf("%q, %d bytes: %v", test.file.Name, test.file.Size, err)
		}
	}
	s.keyed = false
	if _, err := s.Send(t.Context(), file(nil), nil); !errors.Is(err, ErrNotKeyed) {
		t.Errorf("without a key: %v", err)
	}
	s.Close()
	if _, err := s.Send(t.Context(), file(nil), nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	server.finish()
	if n := len(server.requests); n != 2 {
		t.Errorf("%d requests", n)
	}
}

func TestRefusedSessionGoesOn(t *testing.T) {
	server := newDocumentedServer(t)
	server.change = func(r received, response []byte) []byte {
		if r.nth == 1 && r.code != 1104 {
			return documented(2101)
		}
		return response
	}
	s, err := Dial(t.Context(), Options{Server: server.address()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Register(t.Context(), "ann"); !errors.Is(err, ErrNameTaken) {
		t.Errorf("first 1100: %v", err)
	}
	if _, err := s.Register(t.Context(), "bob"); err != nil {
		t.Errorf("second 1100: %v", err)
	}
	if err := s.ExchangeKey(t.Context(), "bob", testKey(t)); !errors.Is(err, ErrRefused) {
		t.Errorf("first 1101: %v", err)
	}
	if err := s.ExchangeKey(t.Context(), "bob", testKey(t)); err != nil {
		t.Errorf("second 1101: %v", err)
	}
	if _, err := s.Send(t.Context(), file(random(100)), nil); !errors.Is(err, ErrRefused) {
		t.Errorf("first 1103: %v", err)
	}
	if _, err := s.Send(t.Context(), file(random(100)), nil); err != nil {
		t.Errorf("second 1103: %v", err)
	}
}

// opaque hides the descriptor of a connection.
type opaque struct{ net.Conn }

// A server that refuses a large file and closes with content unread resets the
// connection. The refusal is the reason that counts, even if it could not be
// seen before.
func TestRefusalInTheMiddleOfContent(t *testing.T) {
	l := listen(t)
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, err = io.ReadFull(conn, make([]byte, 100<<10))
			conn.Write(documented(2101))
			conn.Close()
		}
		served <- err
	}()
	s, err := Dial(t.Context(), Options{Server: l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	s.keyed = true
	s.conn = opaque{s.conn}
	_, err = s.Send(t.Context(), file(make([]byte, 64<<20)), nil)
	if !errors.Is(err, ErrRefused) || s.Usable() == nil {
		t.Errorf("error %v, usable %v", err, s.Usable())
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// A server that keeps the stream framed would take all 4 GiB of a refused file.
func TestEarlyAnswerEndsTheUpload(t *testing.T) {
	for _, test := range []struct {
		response []byte
		want     *Problem
	}{
		{documented(2101), ErrRefused},
		{documented(2103, make([]byte, 279)), ErrProtocol},
	} {
		l := listen(t)
		taken := make(chan int64, 1)
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			conn.Write(test.response)
			n, _ := io.Copy(io.Discard, conn)
			taken <- n
		}()
		s, err := Dial(t.Context(), Options{Server: l.Addr().String()})
		if err != nil {
			t.Fatal(err)
		}
		s.keyed = true
		const size = 256 << 20
		_, err = s.Send(t.Context(), File{Name: "a", Size: size, Content: endless{size}}, nil)
		if !errors.Is(err, test.want) || s.Usable() == nil {
			t.Errorf("error %v, usable %v", err, s.Usable())
		}
		if n := <-taken; n > size/2 && runtime.GOOS == "linux" {
			t.Errorf("%d bytes were sent", n)
		}
		l.Close()
	}
}

// endless holds zeros.
type endless struct{ size int64 }

func (e endless) ReadAt(p []byte, at int64) (int, error) {
	clear(p)
	if left := e.size - at; left < int64(len(p)) {
		return int(max(left, 0)), io.EOF
	}
	return len(p), nil
}

func TestContextEndsTheSession(t *testing.T) {
	server := newDocumentedServer(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the person pressed Ctrl-C")
	server.change = func(r received, response []byte) []byte {
		if r.code == 1103 {
			cancel(reason) // while the client waits
			<-t.Context().Done()
		}
		return response
	}
	s := keyed(t, server)
	if _, err := s.Send(ctx, file(random(100)), nil); !errors.Is(err, reason) {
		t.Errorf("error %v", err)
	}
	if _, err := s.Send(t.Context(), file(nil), nil); !errors.Is(err, reason) {
		t.Errorf("the session went on: %v", err)
	}
	if _, err := Dial(ctx, Options{Server: server.address()}); !errors.Is(err, reason) {
		t.Errorf("Dial: %v", err)
	}
}

func TestContextEndsAnUpload(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := keyed(t, newDocumentedServer(t))
	_, err := s.Send(ctx, file(make([]byte, 4<<20)), func(sent int64) {
		if sent > 1<<20 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// cancelling ends a context with the first bytes that are read.
type cancelling struct {
	net.Conn
	cancel context.CancelFunc
}

func (c cancelling) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.cancel()
	return n, err
}

// The interruption may come when the answer is there already. It must not
// strike the next call unseen.
func TestContextThatEndsWithTheAnswer(t *testing.T) {
	server := newDocumentedServer(t)
	s := keyed(t, server)
	ctx, cancel := context.WithCancel(t.Context())
	s.conn = cancelling{s.conn, cancel}
	if err := s.ExchangeKey(ctx, "ann", testKey(t)); err != nil {
		t.Errorf("the answer was there: %v", err)
	}
	if !errors.Is(s.Usable(), context.Canceled) {
		t.Errorf("usable: %v", s.Usable())
	}
}

func TestQueuesOfAConnection(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("not known here")
	}
	l := listen(t)
	defer l.Close()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	if unacknowledged(ours) || readable(ours) {
		t.Error("a new connection has bytes")
	}
	ours.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	sent, _ := ours.Write(make([]byte, 64<<20)) // more than both kernels hold
	if !unacknowledged(ours) || !readable(theirs) {
		t.Error("a full connection has none")
	}
	if _, err := io.ReadFull(theirs, make([]byte, sent)); err != nil {
		t.Fatal(err)
	}
	for unacknowledged(ours) { // the last acknowledgement may be delayed
		runtime.Gosched()
	}
	if readable(theirs) {
		t.Error("a drained connection has bytes")
	}
}

func TestSilentServerTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		go io.Copy(io.Discard, theirs)
		dial := func(context.Context, string, string) (net.Conn, error) { return ours, nil }
		s, err := Dial(t.Context(), Options{Dial: dial, Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = s.Register(t.Context(), "ann")
		if !errors.Is(err, ErrTimeout) || time.Since(start) != time.Minute {
			t.Errorf("error %v after %v", err, time.Since(start))
		}
	})
}
