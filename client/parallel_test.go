package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// manyFiles makes a folder with so many files, and a transfer of all of them.
func manyFiles(t *testing.T, server string, n int) Transfer {
	t.Helper()
	f := newFolder(t, server, "none")
	transfer := Transfer{Dir: f.path, Parallel: 4}
	for i := range n {
		transfer.Files = append(transfer.Files, f.write(fmt.Sprint("file ", i), random(100*i)))
	}
	return transfer
}

// A server that serves one connection at a time gets all files over the first
// one, and the others do not wait for their turn.
func TestParallelToAServerThatTakesOneAtATime(t *testing.T) {
	s := newDocumentedServer(t)
	transfer := manyFiles(t, s.listener.Addr().String(), 8)
	var finished []string
	transfer.Finished = func(r Result) { finished = append(finished, r.Path) }
	results, err := transfer.Send(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.finish()
	for i, r := range results {
		if r.Path != transfer.Files[i] || r.Err != nil || r.Receipt.Size != int64(100*i) {
			t.Errorf("%s: %+v", transfer.Files[i], r)
		}
	}
	if len(s.stored) != 8 || !slices.Equal(finished, transfer.Files) {
		t.Errorf("%d files are stored, and %q were finished", len(s.stored), finished)
	}
}

// The seed's server has one key for each client: it gets one file after the
// other.
func TestParallelToTheSeedsServer(t *testing.T) {
	s := newSeedServer(t)
	transfer := manyFiles(t, s.listener.Addr().String(), 4)
	transfer.Pause = 1
	results, err := transfer.Send(t.Context())
	if err != nil {
		t.Fatalf("%v, %+v", err, results)
	}
	s.finish()
	if len(s.stored) != 4 || len(s.faults) > 0 {
		t.Errorf("%d files are stored; %q", len(s.stored), s.faults)
	}
}

// A failure that is not one file's own leaves those that were not begun.
func TestParallelEndsAtAFailure(t *testing.T) {
	s := newDocumentedServer(t)
	s.change = func(r received, response []byte) []byte {
		if r.code == 1103 && r.nth == 3 {
			return documented(2101)
		}
		return response
	}
	transfer := manyFiles(t, s.listener.Addr().String(), 8)
	results, err := transfer.Send(context.Background())
	s.finish()
	if !errors.Is(err, ErrRefused) || errors.Is(err, ErrNotSent) {
		t.Fatalf("%v", err)
	}
	for i, r := range results {
		switch {
		case i < 2 && r.Err != nil, i == 2 && !errors.Is(r.Err, ErrRefused), i > 2 && !errors.Is(r.Err, ErrNotSent):
			t.Errorf("file %d: %v", i, r.Err)
		}
	}
}

func TestParallelIsBounded(t *testing.T) {
	for _, n := range []int{-1, MaxParallel + 1} {
		if _, err := (Transfer{Parallel: n}).Send(t.Context()); !errors.Is(err, ErrSettings) {
			t.Errorf("%d at once: %v", n, err)
		}
	}
}
