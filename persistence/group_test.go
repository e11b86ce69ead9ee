package persistence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

func TestOneOfManyGetsTheName(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	const names, rivals = 20, 64
	var won [names]atomic.Int32
	var all sync.WaitGroup
	for range rivals {
		all.Go(func() {
			for n := range names {
				_, err := s.Register(t.Context(), fmt.Sprintf("client %d", n))
				switch {
				case err == nil:
					won[n].Add(1)
				case !errors.Is(err, ErrNameTaken):
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for n := range names {
		if won[n].Load() != 1 {
			t.Errorf("client %d was registered %d times", n, won[n].Load())
		}
	}
}

// blockWriter holds the writer in a job until release is called, so that the
// jobs after it form one group.
func blockWriter(t *testing.T, s *Store) (release func()) {
	t.Helper()
	began, end := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- s.rows.update(context.Background(), func(tx) error {
			close(began)
			<-end
			return nil
		})
	}()
	<-began
	return func() {
		close(end)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// queued starts a job and returns when it waits for the writer.
func queued(ctx context.Context, s *Store, job func(tx) error) <-chan error {
	g := s.rows.(*sqliteRows).group
	before := g.length()
	done := make(chan error, 1)
	go func() { done <- s.rows.update(ctx, job) }()
	for g.length() == before {
		// The writer is held, so the queue only grows.
	}
	return done
}

func (g *group) length() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

func TestFailingJobFailsAlone(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	release := blockWriter(t, s)
	ours := errors.New("ours")
	var results []<-chan error
	for n := range 10 {
		results = append(results, queued(t.Context(), s, func(x tx) error {
			if err := insertClient(x, newClientID(), fmt.Sprintf("client %d", n)); err != nil {
				return err
			}
			if n%3 == 0 {
				return ours // after its row is made
			}
			return nil
		}))
	}
	release()
	for n, result := range results {
		if err := <-result; n%3 == 0 && err != ours || n%3 != 0 && err != nil {
			t.Errorf("job %d: %v", n, err)
		}
	}
	count := 0
	for client, err := range s.Clients(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		count++
		if client.Name == "client 0" || client.Name == "client 9" {
			t.Errorf("%s is there", client.Name)
		}
	}
	if count != 6 {
		t.Errorf("%d clients, want 6", count)
	}
}

func TestJobWithdrawnWhileItWaits(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	release := blockWriter(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	ran := false
	result := queued(ctx, s, func(tx) error { ran = true; return nil })
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("withdrawn: %v", err)
	}
	after := queued(t.Context(), s, func(tx) error { return nil })
	release()
	if err := <-after; err != nil {
		t.Error(err)
	}
	if ran {
		t.Error("the withdrawn job ran")
	}
}

// faultyTransactor fails as it is told; its jobs get no transaction. Each job
// that fails is spoiled.
type faultyTransactor struct {
	beginErr, lostErr, commitErr error
	rolledBack                   int
}

func (f *faultyTransactor) begin() error { return f.beginErr }
func (f *faultyTransactor) try(job func(tx) error) (failed error, spoiled bool) {
	failed = job(nil)
	return failed, failed != nil || f.lostErr != nil
}
func (f *faultyTransactor) run(job func(tx) error) (failed, lost error) {
	return job(nil), f.lostErr
}
func (f *faultyTransactor) commit() error { return f.commitErr }
func (f *faultyTransactor) rollback()     { f.rolledBack++ }

func TestJobFailsWithItsTransaction(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		faultyTransactor
		rolledBack int
	}{
		"begin":  {faultyTransactor{beginErr: broken}, 0},
		"lost":   {faultyTransactor{lostErr: broken}, 2},
		"commit": {faultyTransactor{commitErr: broken}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			on := test.faultyTransactor
			g := newGroup(&on, nil)
			if _, err := g.do(t.Context(), func(tx) error { return nil }, true); err != broken {
				t.Errorf("job: %v, want broken", err)
			}
			on.beginErr, on.lostErr, on.commitErr = nil, nil, nil
			if _, err := g.do(t.Context(), func(tx) error { return nil }, true); err != nil {
				t.Errorf("job after the fault: %v", err)
			}
			g.close()
			if on.rolledBack != test.rolledBack {
				t.Errorf("%d rolled back, want %d", on.rolledBack, test.rolledBack)
			}
			if _, err := g.do(t.Context(), func(tx) error { return nil }, true); err != ErrClosed {
				t.Errorf("job after close: %v", err)
			}
		})
	}
}

func TestWaitingJobsAreDoneAtClose(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	release := blockWriter(t, s)
	var results []<-chan error
	for range 2 * maxGroup {
		results = append(results, queued(t.Context(), s, func(tx) error { return nil }))
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	release()
	for _, result := range results {
		if err := <-result; err != nil {
			t.Error(err)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
