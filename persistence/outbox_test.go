package persistence

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// databaseGivesOnce: of many who take at once, one gets a delivery, on every
// database.
func databaseGivesOnce(t *testing.T, d database) {
	s := newStore(Options{Hooks: []string{"a", "b"}})
	s.rows = d
	id := newClientID()
	mustUpdate(t, d, func(x tx) error { return insertClient(x, id, "anna") })
	const files = 20
	for range files {
		u := &Upload{store: s, name: newClientID().String(), id: id, fileName: "f", key: newClientID().String(), received: now()}
		mustUpdate(t, d, func(x tx) error { return errors.Join(u.recordContent(x), u.recordDeliveries(x)) })
	}
	var got atomic.Int64
	var takers sync.WaitGroup
	for n := range 8 {
		takers.Go(func() {
			target := s.options.Hooks[n%2]
			for {
				taken, next, err := s.TakeDeliveries(t.Context(), target, 7, time.Hour)
				if err != nil {
					t.Error(err)
					return
				}
				for _, d := range taken {
					if d.Target != target {
						t.Errorf("%s was taken for %s", d.Target, target)
					}
				}
				got.Add(int64(len(taken)))
				if len(taken) == 0 { // all that is left is leased
					if time.Until(next) < time.Minute {
						t.Errorf("nothing was taken, and the next is due at %v", next)
					}
					return
				}
			}
		})
	}
	takers.Wait()
	if got.Load() != 2*files {
		t.Errorf("%d deliveries were taken, of %d", got.Load(), 2*files)
	}
}

// TestDeliveriesAreFoundByTarget: to take some reads neither those of other
// targets nor dead ones, and sorts nothing.
func TestDeliveriesAreFoundByTarget(t *testing.T) {
	db := openRaw(t, filepath.Join(fastDir(t), databaseFile))
	if err := migrate(t.Context(), db, sqliteMigrations()); err != nil {
		t.Fatal(err)
	}
	var plan []struct {
		ID, Parent, NotUsed int
		Detail              string
	}
	if err := db.Select(&plan, `EXPLAIN QUERY PLAN `+waitingQuery, "a", 4); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(plan[0].Detail, "deliveries_by_target (Target=?)") || len(plan) != 2 {
		t.Errorf("the plan is %+v", plan)
	}
}

// TestDelivery follows one delivery through all that can become of it.
func TestDelivery(t *testing.T) {
	s := openTest(t, Options{Hooks: []string{"command"}})
	anna := register(t, s, "anna")
	verifyNew(t, s, anna, "f", "text")
	select {
	case <-s.DeliveriesRecorded():
	default:
		t.Error("nobody is told that there is a delivery")
	}
	take := func(want int) (d Delivery) {
		t.Helper()
		taken, _, err := s.TakeDeliveries(t.Context(), "command", 10, time.Hour)
		if err != nil || len(taken) != want {
			t.Fatalf("%d were taken, %v; want %d", len(taken), err, want)
		}
		if want == 1 {
			d = taken[0]
		}
		return d
	}
	d := take(1)
	if d.ClientName != "anna" || d.FileName != "f" || d.Size != 4 || d.CRC32 != sumsOf([]byte("text")).CRC32 ||
		d.Number != 1 || d.Attempts != 1 || d.Target != "command" || time.Since(d.VerifiedAt) > time.Hour {
		t.Errorf("delivery %+v", d)
	}
	take(0) // it is leased
	if err := s.Postpone(t.Context(), d, time.Now().Add(-time.Second), "no answer"); err != nil {
		t.Fatal(err)
	}
	if d = take(1); d.Attempts != 2 || d.Failure != "no answer" {
		t.Errorf("after a failure %+v", d)
	}
	if err := s.Postpone(t.Context(), d, time.Time{}, "gone"); err != nil {
		t.Fatal(err)
	}
	take(0) // it is dead
	operator := openOperator(t, s)
	if n, err := operator.Retry(t.Context(), "other"); n != 0 || err != nil {
		t.Errorf("%d others are alive again, %v", n, err)
	}
	if n, err := operator.Retry(t.Context(), d.Delivery); n != 1 || err != nil {
		t.Errorf("%d are alive again, %v", n, err)
	}
	if d = take(1); d.Attempts != 1 {
		t.Errorf("alive again %+v", d)
	}
	if err := s.Delivered(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	for d, err := range s.Deliveries(t.Context()) {
		t.Errorf("there is still %+v, %v", d, err)
	}
}

// TestDeliveryIsRecordedWithTheFile: what is not verified is not told, and what
// is verified is told after a crash.
func TestDeliveryIsRecordedWithTheFile(t *testing.T) {
	options := Options{DataDir: t.TempDir(), Hooks: []string{"a", "b"}}
	s := openTest(t, options)
	anna := register(t, s, "anna")
	verifyNew(t, s, anna, "kept", "text")
	u := receive(t, s, anna, "given up", []byte("text"))
	if err := u.Discard(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, options)
	var told []string
	for d, err := range s.Deliveries(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, d.FileName+" to "+d.Target)
	}
	if len(told) != 2 || told[0] != "kept to a" || told[1] != "kept to b" {
		t.Errorf("deliveries %q", told)
	}
}

// TestDeliveriesOfAProcessThatIsGone are due as soon as the next one begins:
// those that it had taken, and those that it had postponed, but no dead ones.
func TestDeliveriesOfAProcessThatIsGone(t *testing.T) {
	options := Options{DataDir: t.TempDir(), Hooks: []string{"a"}}
	s := openTest(t, options)
	anna := register(t, s, "anna")
	for _, name := range []string{"f", "g", "h"} {
		verifyNew(t, s, anna, name, "text")
	}
	taken, _, err := s.TakeDeliveries(t.Context(), "a", 10, time.Hour)
	if err != nil || len(taken) != 3 {
		t.Fatalf("%d were taken, %v", len(taken), err)
	}
	err = errors.Join(s.Postpone(t.Context(), taken[0], time.Now().Add(time.Hour), "not now"),
		s.Postpone(t.Context(), taken[1], time.Time{}, "never"), s.Close())
	if err != nil {
		t.Fatal(err)
	}
	s = openTest(t, options)
	again, _, err := s.TakeDeliveries(t.Context(), "a", 10, time.Hour)
	if err != nil || len(again) != 2 || again[0].Attempts != 2 || again[1].Attempts != 2 {
		t.Errorf("%+v, %v; want two", again, err)
	}
}
