package live

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/handlers"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/internal/measure"
	"github.com/sealquay/sealquay/persistence"
	"github.com/sealquay/sealquay/reactor"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) // gnet starts goroutines when it is imported
}

// rooms are figures of a test's making.
type rooms struct {
	content atomic.Int64 // read by the next tick
	refused atomic.Int64
	reads   atomic.Int64
	asked   atomic.Int64 // for names
	answers measure.Times
	uploads []handlers.UploadSnapshot
	quota   persistence.Quota
}

type reactorRoom struct{ *rooms }

func (r reactorRoom) Snapshot() reactor.Snapshot {
	r.reads.Add(1)
	return reactor.Snapshot{Open: 7, MaxConnections: 100, Memory: reactor.MemorySnapshot{Budget: 1 << 20},
		Closed: map[logging.Reason]int64{logging.ClientClosed: 5}}
}

type handlersRoom struct{ *rooms }

func (r handlersRoom) Snapshot() handlers.Snapshot {
	return handlers.Snapshot{Content: r.content.Load(), Refusals: map[logging.Reason]int64{logging.NameTaken: r.refused.Load()},
		Operations: []handlers.Operation{{Name: "registration", Duration: r.answers.Load()}, {Name: "encrypted_file"}}}
}

func (r handlersRoom) TopClients(int) []measure.Ranked[codec.ClientID] {
	return []measure.Ranked[codec.ClientID]{{Key: codec.ClientID{1}, Rate: 9}}
}
func (r handlersRoom) Uploads(int) []handlers.UploadSnapshot { return r.uploads }

type storeRoom struct{ *rooms }

func (r storeRoom) Snapshot() persistence.Snapshot { return persistence.Snapshot{} }
func (r storeRoom) Client(_ context.Context, id persistence.ClientID) (persistence.Client, error) {
	r.asked.Add(1)
	if id != (persistence.ClientID{1}) {
		return persistence.Client{}, errors.New("not now")
	}
	return persistence.Client{Name: "<b>anna</b>\u202e"}, nil
}
func (r storeRoom) WaitingRemovals(context.Context) (int64, error) { return 3, nil }
func (r storeRoom) Quota() persistence.Quota                       { return r.quota }
func (r storeRoom) TotalUsage(context.Context) (files, bytes int64, ok bool, err error) {
	return 3, 79, true, nil
}
func (r storeRoom) ClientUsage(_ context.Context, id persistence.ClientID) (files, bytes int64, ok bool, err error) {
	return 1 + int64(id[0]), 70, true, nil
}

func sources() (Sources, *rooms) {
	r := new(rooms)
	return Sources{Reactor: reactorRoom{r}, Handlers: handlersRoom{r}, Store: storeRoom{r},
		Ready: func(context.Context) error { return nil }, Version: "v1", Addr: "127.0.0.1:1234"}, r
}

// decode returns the events in text.
func decode(t *testing.T, text []byte) (hellos []hello, frames []map[string]any) {
	t.Helper()
	for part := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		name, data, _ := strings.Cut(part, "\ndata: ")
		switch name {
		case "event: hello":
			var raw struct{ Instance int64 }
			if err := json.Unmarshal([]byte(data), &raw); err != nil {
				t.Fatalf("%v in %s", err, data)
			}
			hellos = append(hellos, hello{Instance: raw.Instance})
		case "event: frame":
			f := map[string]any{}
			if err := json.Unmarshal([]byte(data), &f); err != nil {
				t.Fatalf("%v in %s", err, data)
			}
			frames = append(frames, f)
		default:
			t.Fatalf("what is %q?", name)
		}
	}
	return hellos, frames
}

// A point tells what happened in its second.
func TestPoints(t *testing.T) {
	s, r := sources()
	h := newHub(&s)
	synctest.Test(t, func(t *testing.T) {
		h.tick()
		for i := range kept + 50 {
			time.Sleep(time.Second)
			r.content.Add(1000)
			if i%2 == 0 {
				r.refused.Add(1)
			}
			r.answers.Observe(10 * time.Millisecond)
			h.tick()
		}
		h.checked.work.Wait()
	})
	if n := len(h.history.points); n != kept || len(h.history.times) != kept || len(h.history.readings) != window+1 {
		t.Errorf("%d points, %d times and %d readings are kept", n, len(h.history.times), len(h.history.readings))
	}
	p := h.history.points[kept-1]
	if p[curveReceived] != 1000 || p[curveConnections] != 7 || p[curveP50] < 0.008 || p[curveP99] > 0.012 || !math.IsNaN(float64(p[curveFlush])) {
		t.Errorf("%v", p)
	}
	text, err := json.Marshal(p)
	if err != nil || !strings.HasPrefix(string(text), `[7,0,0,1000,`) || !strings.Contains(string(text), "null") {
		t.Errorf("%s, %v", text, err)
	}
}

// What comes from clients is escaped; a name that cannot be found is an id; a
// cause has its time.
func TestFrame(t *testing.T) {
	s, r := sources()
	r.uploads = []handlers.UploadSnapshot{{Client: codec.ClientID{2}, FileName: strings.Repeat("x", 300) + "\x1b", Size: 10, Received: 5}}
	h := newHub(&s)
	h.tick()
	r.refused.Add(2)
	h.tick()
	_, frames := decode(t, h.greetForTest())
	f := frames[0]
	if c := f["clients"].([]any)[0].(map[string]any); c["client"] != `<b>anna</b>\u202e` || c["rate"] != 9.0 {
		t.Errorf("%v", c)
	}
	u := f["uploads"].([]any)[0].(map[string]any)
	if name := u["file"].(string); len(name) > logging.UntrustedLimit || !strings.HasSuffix(name, "…") || u["client"] != "02000000000000000000000000000000" {
		t.Errorf("%v", u)
	}
	causes := f["causes"].([]any)
	if c := causes[0].(map[string]any); len(causes) != 1 || c["reason"] != "name_taken" || c["what"] != whatRequest || c["total"] != 2.0 || c["last"] == 0.0 {
		t.Errorf("%v: a connection's ordinary end is no error", causes)
	}
	before := r.asked.Load()
	h.greetForTest()
	if r.asked.Load() != before+1 { // the id that was not found is asked for again
		t.Errorf("names are asked for %d times more", r.asked.Load()-before)
	}
	h.checked.work.Wait()
}

// Quotas of all come first, then those of clients by what is used of them. What has none is not there.
func TestQuotas(t *testing.T) {
	for _, c := range []struct {
		quota persistence.Quota
		want  string
	}{
		{persistence.Quota{}, `{"set":false,"lines":null}`},
		{persistence.Quota{TotalBytes: 99}, `{"set":true,"lines":[{"client":"","kind":"bytes","used":79,"limit":99,"near":false}]}`},
		{persistence.Quota{TotalBytes: 98, TotalFiles: 4, ClientBytes: 100, ClientFiles: 2},
			`{"set":true,"lines":[{"client":"","kind":"bytes","used":79,"limit":98,"near":true},` +
				`{"client":"","kind":"files","used":3,"limit":4,"near":false},` +
				`{"client":"\u003cb\u003eanna\u003c/b\u003e\\u202e","kind":"files","used":2,"limit":2,"near":true},` +
				`{"client":"\u003cb\u003eanna\u003c/b\u003e\\u202e","kind":"bytes","used":70,"limit":100,"near":false}]}`},
	} {
		s, r := sources()
		r.quota = c.quota
		h := newHub(&s)
		h.checked.refresh(time.Now())
		h.checked.work.Wait()
		if got, err := json.Marshal(h.quotas(t.Context())); err != nil || string(got) != c.want {
			t.Errorf("%+v:\ngot  %s\nwant %s, %v", c.quota, got, c.want, err)
		}
	}
}

func (h *hub) greetForTest() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.greet()
}

// One frame is made for all viewers; one who does not read gets the newest only.
func TestViewersShareFrames(t *testing.T) {
	s, r := sources()
	h := newHub(&s)
	h.tick()
	var viewers []*viewer
	for range maxViewers {
		v, first := h.enter()
		if v == nil || len(first) == 0 {
			t.Fatal("a viewer is refused")
		}
		viewers = append(viewers, v)
	}
	if v, _ := h.enter(); v != nil {
		t.Error("there is no bound")
	}
	before := r.reads.Load()
	for range 10 {
		h.tick()
	}
	if n := r.reads.Load() - before; n != 10 {
		t.Errorf("%d readings for 10 ticks", n)
	}
	a, b := <-viewers[0].next, <-viewers[1].next
	if &a[0] != &b[0] {
		t.Error("each viewer has a frame of its own")
	}
	_, frames := decode(t, a)
	if at := int64(frames[0]["time"].(float64)); at != h.history.newest().at.UnixMilli() {
		t.Errorf("the frame is of %d, the newest reading of %d", at, h.history.newest().at.UnixMilli())
	}
	for _, v := range viewers {
		h.leave(v)
	}
	if v, _ := h.enter(); v == nil {
		t.Error("places are not given back")
	}
	h.checked.work.Wait()
}

// The state says why, and does not wait for a storage that hangs.
func TestState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := sources()
		s.Ready = func(ctx context.Context) error {
			<-ctx.Done()
			return errors.New("it hangs")
		}
		h := newHub(&s)
		h.tick()
		v, _ := h.enter()
		began := time.Now()
		h.tick()
		if time.Since(began) > 0 {
			t.Error("a tick waits for the storage")
		}
		time.Sleep(checkPatience)
		synctest.Wait()
		h.tick()
		_, frames := decode(t, <-v.next)
		if frames[0]["state"] != stateFailing || frames[0]["why"] != "it hangs" {
			t.Errorf("%v, %v", frames[0]["state"], frames[0]["why"])
		}
		if state, _, _ := h.checked.state(true); state != stateDraining {
			t.Errorf("%v while it drains", state)
		}
	})
}

// The page asks for nothing from elsewhere, and allows nothing inline.
func TestPageIsStrict(t *testing.T) {
	s, _ := sources()
	p := New(s)
	defer p.Close()
	for _, path := range []string{"/", "/page.css", "/page.js", "/charts.js", "/icon.svg", "/uplot.js", "/uplot.css"} {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 || w.Header().Get("Content-Security-Policy") != policy || w.Body.Len() == 0 {
			t.Errorf("%s: %d, %v", path, w.Code, w.Header())
		}
		if path == "/uplot.js" && !strings.Contains(w.Body.String(), "MIT License") {
			t.Error("the licence is missing")
		}
	}
	for _, wrong := range []string{"<style", "style=", "onclick", "http://", "https://", "<script>"} {
		if strings.Contains(pageText, wrong) {
			t.Errorf("the page has %s", wrong)
		}
	}
	for _, wrong := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("} {
		if strings.Contains(pageScript+chartsScript, wrong) {
			t.Errorf("the script uses %s", wrong)
		}
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest("GET", "/nothing", nil))
	if w.Code != 404 {
		t.Errorf("status %d for a path that is not there", w.Code)
	}
}

// A stream begins with what was, goes on with what is, and ends with a word.
func TestStream(t *testing.T) {
	s, _ := sources()
	p := New(s)
	defer p.Close()
	ctx, stop := context.WithCancel(context.Background())
	server := httptest.NewUnstartedServer(p)
	server.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	server.Start()
	defer server.Close()
	defer stop()
	resp, err := server.Client().Get(server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("content type %s", kind)
	}
	lines := bufio.NewReaderSize(resp.Body, 1<<20)
	var names []string
	for len(names) < 3 || names[len(names)-1] != "bye" {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("after %v: %v", names, err)
		}
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "event: "); ok {
			names = append(names, name)
			if len(names) == 3 {
				stop()
			}
		}
	}
	if names[0] != "hello" || names[1] != "frame" || names[2] != "frame" {
		t.Errorf("events %v", names)
	}
	if rest, err := io.ReadAll(lines); err != nil || strings.Contains(string(rest), "event") {
		t.Errorf("after the end: %q, %v", rest, err)
	}
	head, err := http.Head(server.URL + "/events")
	if err != nil || head.StatusCode != 200 {
		t.Errorf("HEAD: %v, %v", head, err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// What a tick costs, with and without viewers.
func BenchmarkTick(b *testing.B) {
	for name, viewers := range map[string]int{"unseen": 0, "seen": 1, "crowd": maxViewers} {
		b.Run(name, func(b *testing.B) {
			s, _ := sources()
			h := newHub(&s)
			h.tick()
			for range viewers {
				h.enter()
			}
			for b.Loop() {
				h.tick()
			}
		})
	}
}
