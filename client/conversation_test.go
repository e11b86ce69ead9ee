package client

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestSecondRunKeepsTheID(t *testing.T) {
	server := newDocumentedServer(t)
	f := newFolder(t, server.address(), "a")
	f.write("a", []byte("1"))
	if _, err := f.transfer().Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, _ := os.ReadFile(filepath.Join(f.path, MeInfoName))
	if _, err := f.transfer().Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	second, _ := os.ReadFile(filepath.Join(f.path, MeInfoName))
	server.finish()
	if want := []uint16{1100, 1101, 1103, 1104, 0, 1101, 1103, 1104}; !slices.Equal(server.codes(), want) {
		t.Errorf("requests %v, want %v", server.codes(), want)
	}
	if len(first) == 0 || !bytes.Equal(first, second) {
		t.Error("me.info changed")
	}
}

func TestIdentity(t *testing.T) {
	key := strings.SplitN(string(readTestdata(t, "ours.me.info")), "\n", 3)[2]
	const id = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
	const other = "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"
	tests := []struct {
		name       string
		me         string // as it is found
		registered bool   // the server knows ann as a1…
		codes      []uint16
		want       *Problem
		id         byte // afterwards
		old        bool // what was found is kept beside
	}{
		{"none", "", false, []uint16{1100, 1101, 1103, 1104}, nil, 0xa1, false},
		{"whole", "ann\n" + id + "\n" + key, true, []uint16{1101, 1103, 1104}, nil, 0xa1, false},
		{"id damaged", "ann\n" + id[1:] + "\n" + key, false, []uint16{1100, 1101, 1103, 1104}, nil, 0xa1, true},
		{"id damaged, name taken", "ann\n" + id[1:] + "\n" + key, true, []uint16{1100}, ErrNameTaken, 0, false},
		{"none, name taken", "", true, []uint16{1100}, ErrNameTaken, 0, false},
		{"key damaged", "ann\n" + id + "\n" + key[:100], true, []uint16{1101, 1103, 1104}, nil, 0xa1, true},
		{"empty", "\n", false, []uint16{1100, 1101, 1103, 1104}, nil, 0xa1, true},
		{"unknown to the server", "ann\n" + other + "\n" + key, false, []uint16{1101, 1100, 1101, 1103, 1104}, nil, 0xa1, true},
		{"another id at the server", "ann\n" + other + "\n" + key, true, []uint16{1101, 1100}, ErrRefused, 0xb2, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newDocumentedServer(t)
			if test.registered {
				server.clients["ann"] = [16]byte(bytes.Repeat([]byte{0xa1}, 16))
			}
			f := newFolder(t, server.address(), "a")
			f.write("a", []byte("1"))
			if test.me != "" {
				f.write(MeInfoName, []byte(test.me))
			}
			_, err := f.transfer().Send(t.Context())
			server.finish()
			if test.want == nil && err != nil || test.want != nil && !errors.Is(err, test.want) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if !slices.Equal(server.codes(), test.codes) {
				t.Errorf("requests %v, want %v", server.codes(), test.codes)
			}
			if test.id != 0 && f.me().ID[0] != test.id {
				t.Errorf("me.info holds %v", f.me().ID)
			}
			old, _ := os.ReadFile(filepath.Join(f.path, MeInfoName+".old"))
			if test.old != (string(old) == test.me && test.me != "") {
				t.Errorf("me.info.old holds %q", old)
			}
		})
	}
}

// deadlines remembers the deadline of a connection, in Unix nanoseconds.
type deadlines struct {
	net.Conn
	last *atomic.Int64
}

func (d deadlines) SetDeadline(at time.Time) error {
	d.last.Store(at.UnixNano())
	return d.Conn.SetDeadline(at)
}

// Only the first wait of a second run is short.
func TestProbeEndsWithTheFirstAnswer(t *testing.T) {
	var last atomic.Int64
	server := newDocumentedServer(t)
	server.clients["ann"] = [16]byte(bytes.Repeat([]byte{0xa1}, 16))
	server.change = func(r received, response []byte) []byte {
		left := time.Until(time.Unix(0, last.Load()))
		if probing := left < 30*time.Minute; probing != (r.code == 1101) {
			t.Errorf("the answer to %d has %v left", r.code, left)
		}
		return response
	}
	f := newFolder(t, server.address(), "a")
	f.write("a", nil)
	f.writeMe(0xa1)
	transfer := f.transfer()
	transfer.Timeout, transfer.Probe = time.Hour, time.Minute
	transfer.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return deadlines{conn, &last}, err
	}
	if _, err := transfer.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
}
