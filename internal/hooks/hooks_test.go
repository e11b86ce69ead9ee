package hooks

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var event = Event{Type: "file.verified", Delivery: "D1", ClientID: "0123", ClientName: "-rf $(id)", FileName: "a b.txt",
	PathName: "files/0123/a b.txt", Number: 2, Size: 6, CRC32: "31963516", Cksum: 7, VerifiedAt: time.Unix(1700000000, 0).UTC()}

// outbox is one in memory.
type outbox struct {
	mu       sync.Mutex
	waiting  map[string]*entry
	recorded chan struct{}
}

type entry struct {
	Delivery
	due     time.Time
	failure string
	dead    bool
}

func newOutbox(all ...Delivery) *outbox {
	o := &outbox{waiting: make(map[string]*entry), recorded: make(chan struct{}, 1)}
	for _, d := range all {
		o.waiting[d.ID] = &entry{Delivery: d, due: time.Now()}
	}
	return o
}

func (o *outbox) Take(_ context.Context, target string, limit int, lease time.Duration) (taken []Delivery, next time.Time, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.waiting {
		switch {
		case e.dead || e.Target != target:
		case e.due.After(time.Now()):
			if next.IsZero() || e.due.Before(next) {
				next = e.due
			}
		case len(taken) < limit:
			e.Attempts++
			e.due = time.Now().Add(lease)
			taken = append(taken, e.Delivery)
		}
	}
	return taken, next, nil
}

func (o *outbox) Delivered(_ context.Context, d Delivery) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.waiting, d.ID)
	return nil
}

func (o *outbox) Postpone(_ context.Context, d Delivery, again time.Time, failure string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	e := o.waiting[d.ID]
	e.due, e.failure, e.dead = again, failure, again.IsZero()
	return nil
}

// add records more.
func (o *outbox) add(all ...Delivery) {
	o.mu.Lock()
	for _, d := range all {
		o.waiting[d.ID] = &entry{Delivery: d, due: time.Now()}
	}
	o.mu.Unlock()
	o.recorded <- struct{}{}
}

// left names what is not delivered.
func (o *outbox) left() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Keys(o.waiting))
}

func (o *outbox) Recorded() <-chan struct{} { return o.recorded }

// target fails so many times, each after the time that an attempt has.
type target struct {
	mu     sync.Mutex
	fails  int
	hangs  bool
	tries  []time.Time
	events []Event
}

func (g *target) Deliver(ctx context.Context, e Event) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tries = append(g.tries, time.Now())
	if g.hangs {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	if len(g.tries) <= g.fails {
		return errors.New("not now")
	}
	g.events = append(g.events, e)
	return nil
}

func start(t *testing.T, o *outbox, g Target, attempts int) *Runner {
	return Start(Config{
		Outbox: o, Targets: map[string]Target{"a": g}, Timeout: 10 * time.Second, Attempts: attempts,
		Told:  func(Delivery, error, bool) {},
		Fault: func(err error) { t.Error(err) },
	})
}

// TestRetry tries again, less and less often, until the target takes it.
func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, g := newOutbox(Delivery{ID: "D1", Target: "a", Event: event}), &target{fails: 12}
		r := start(t, o, g, 100)
		time.Sleep(2 * time.Hour)
		r.Stop()
		if len(g.events) != 1 || g.events[0] != event || len(o.waiting) != 0 {
			t.Errorf("%d events, %d waiting", len(g.events), len(o.waiting))
		}
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600} {
			if got := g.tries[i+1].Sub(g.tries[i]); got != want*time.Second {
				t.Errorf("pause %d is %v, want %v", i, got, want*time.Second)
			}
		}
	})
}

// TestDead gives up after the attempts that are allowed, and leaves alone what
// is for a target that is not configured.
func TestDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, g := newOutbox(Delivery{ID: "D1", Target: "a"}, Delivery{ID: "D2", Target: "gone"}), &target{fails: 1 << 30}
		r := start(t, o, g, 3)
		time.Sleep(time.Hour)
		r.Stop()
		if e := o.waiting["D1"]; !e.dead || e.failure != "not now" || e.Attempts != 3 || len(g.tries) != 3 {
			t.Errorf("%+v after %d tries", e, len(g.tries))
		}
		if e := o.waiting["D2"]; e.dead || e.Attempts != 0 {
			t.Errorf("not configured: %+v", e)
		}
	})
}

// many makes so many deliveries to a target.
func many(target string, n int) (all []Delivery) {
	for i := range n {
		id := fmt.Sprint(target, i)
		all = append(all, Delivery{ID: id, Target: target, Event: Event{Delivery: id}})
	}
	return all
}

// slow is a target that takes an event when one comes from release, and counts.
type slow struct {
	release               <-chan struct{}
	underWay, most, taken atomic.Int32
}

func (g *slow) Deliver(ctx context.Context, _ Event) error {
	if n := g.underWay.Add(1); n > g.most.Load() {
		g.most.Store(n)
	}
	defer g.underWay.Add(-1)
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-g.release:
		g.taken.Add(1)
		return nil
	}
}

// TestSlowTargetHoldsUpNoOther: while one target takes nothing, with more
// waiting than may be under way, another is told of everything, also of what is
// recorded meanwhile. And each slow delivery makes room for one more as it ends.
func TestSlowTargetHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(append(many("slow", 20), many("quick", 20)...)...)
		release, always := make(chan struct{}), make(chan struct{})
		close(always)
		late, quick := &slow{release: release}, &slow{release: always}
		began := time.Now()
		r := Start(Config{
			Outbox: o, Targets: map[string]Target{"slow": late, "quick": quick}, Timeout: time.Hour, Attempts: 3,
			Told:  func(Delivery, error, bool) {},
			Fault: func(err error) { t.Error(err) },
		})
		synctest.Wait()
		if quick.taken.Load() != 20 || late.underWay.Load() != parallel {
			t.Errorf("%d quick ones were taken, %d slow ones are under way", quick.taken.Load(), late.underWay.Load())
		}
		o.add(many("quick", 30)[20:]...)
		synctest.Wait()
		if quick.taken.Load() != 30 {
			t.Errorf("of those recorded meanwhile %d were taken", quick.taken.Load()-20)
		}
		for n := int32(1); n <= 5; n++ {
			release <- struct{}{}
			synctest.Wait()
			if late.taken.Load() != n || late.underWay.Load() != parallel {
				t.Errorf("after %d slow ones %d are under way", late.taken.Load(), late.underWay.Load())
			}
		}
		if time.Since(began) != 0 {
			t.Errorf("it took %v", time.Since(began))
		}
		r.Stop()
		if late.most.Load() != parallel || late.underWay.Load() != 0 {
			t.Errorf("up to %d slow ones at once, %d are left", late.most.Load(), late.underWay.Load())
		}
	})
}

// TestSlowDeliveryHoldsUpNoOther of the same target.
func TestSlowDeliveryHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(many("a", 20)...)
		g := hangsOn{"a7": true}
		r := start(t, o, g, 3)
		synctest.Wait()
		if left := o.left(); len(left) != 1 || left[0] != "a7" {
			t.Errorf("%q are left", left)
		}
		r.Stop()
	})
}

// hangsOn is a target that takes all deliveries but some.
type hangsOn map[string]bool

func (g hangsOn) Deliver(ctx context.Context, e Event) error {
	if g[e.Delivery] {
		<-ctx.Done()
	}
	return ctx.Err()
}

// TestStopGivesBack ends an attempt, and the next runner has it at once.
func TestStopGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(Delivery{ID: "D1", Target: "a", Event: event})
		r := start(t, o, &target{hangs: true}, 3)
		synctest.Wait()
		r.Stop()
		g := &target{}
		began := time.Now()
		r = start(t, o, g, 3)
		synctest.Wait()
		r.Stop()
		if len(g.events) != 1 || time.Since(began) != 0 {
			t.Errorf("%d events after %v", len(g.events), time.Since(began))
		}
	})
}

// TestRecorded delivers at once what is recorded while the runner waits.
func TestRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, g := newOutbox(), &target{}
		r := start(t, o, g, 3)
		synctest.Wait()
		o.add(Delivery{ID: "D1", Target: "a", Event: event})
		synctest.Wait()
		if len(g.events) != 1 {
			t.Errorf("%d events", len(g.events))
		}
		r.Stop()
	})
}

func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCommand(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	path := script(t, `cat > `+out+`; printf '%s|%s|%s' "$SEALQUAY_HOOK_CLIENT_NAME" "$SEALQUAY_HOOK_PATH" "$#" >> `+out)
	if err := (Command{Path: path, DataDir: "/data"}).Deliver(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	body, rest, _ := strings.Cut(string(text), "\n")
	var got Event
	if err := json.Unmarshal([]byte(body), &got); err != nil || got != event {
		t.Errorf("the program read %s, %v", body, err)
	}
	if rest != "-rf $(id)|/data/files/0123/a b.txt|0" {
		t.Errorf("its surroundings are %q", rest)
	}
}

func TestCommandFails(t *testing.T) {
	err := Command{Path: script(t, "echo the disk is away >&2; exit 3")}.Deliver(t.Context(), event)
	if err == nil || !strings.Contains(err.Error(), "exit status 3: the disk is away") {
		t.Errorf("%v", err)
	}
	err = Command{Path: script(t, "yes | head -c 1000000; exit 1")}.Deliver(t.Context(), event)
	if err == nil || len(err.Error()) > 2*longestFailure {
		t.Errorf("%d bytes of words", len(err.Error()))
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	ready := filepath.Join(t.TempDir(), "ready")
	if err := syscall.Mkfifo(ready, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = os.ReadFile(ready) // returns when the program has written
		cancel(errors.New("enough"))
	}()
	if err := (Command{Path: script(t, "echo > "+ready+"; exec sleep 600")}).Deliver(ctx, event); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("a program that does not end: %v", err)
	}
}

// TestWebhook checks a request as a receiver does, after the specification.
func TestWebhook(t *testing.T) {
	status := http.StatusOK
	var got Event
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte("secret"))
		mac.Write([]byte(r.Header.Get("webhook-id") + "." + r.Header.Get("webhook-timestamp") + "." + string(body)))
		if r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			t.Errorf("the signature is %q", r.Header.Get("webhook-signature"))
		}
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("webhook-id") != "D1" {
			t.Errorf("%s with %v", r.Method, r.Header)
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Error(err)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		io.WriteString(w, "words")
	}))
	defer s.Close()
	w := NewWebhook(s.URL, "whsec_"+base64.StdEncoding.EncodeToString([]byte("secret")))
	defer w.Close()
	if err := w.Deliver(t.Context(), event); err != nil || got != event {
		t.Errorf("%+v, %v", got, err)
	}
	for _, status = range []int{301, 307, 400, 404, 410, 500, 503} {
		if err := w.Deliver(t.Context(), event); err == nil || !strings.Contains(err.Error(), "words") {
			t.Errorf("status %d: %v", status, err)
		}
	}
}
