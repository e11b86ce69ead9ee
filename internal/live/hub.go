package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// tick is the time between two frames.
	tick = time.Second
	// maxViewers bounds those who look on at once.
	maxViewers = 64
	// viewerPatience is how long a write to a viewer may take.
	viewerPatience = 10 * time.Second
	// retryAfter is after how many milliseconds the page tries to come back.
	retryAfter = 2000
)

// A hub reads the figures every second and hands them to the viewers.
type hub struct {
	*Sources
	instance int64
	names    names   // guarded by mu
	checked  checked // safe for concurrent use

	mu      sync.Mutex
	history history
	seen    seen
	viewers map[*viewer]struct{}
	hello   []byte // of the newest reading; nil until somebody asks
}

// A viewer holds the frame that is to be sent next, if one is.
type viewer struct {
	next chan []byte // of length 1
}

func newHub(s *Sources) *hub {
	return &hub{
		Sources: s, instance: time.Now().UnixNano(), names: names{store: s.Store}, checked: checked{sources: s},
		viewers: make(map[*viewer]struct{}),
	}
}

// run ticks until ctx ends.
func (h *hub) run(ctx context.Context) {
	defer h.checked.work.Wait()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		h.tick()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// tick reads the figures, which keeps the curves, and makes a frame if somebody
// looks on.
func (h *hub) tick() {
	r := h.read()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.history.add(r)
	h.seen.note(r)
	h.hello = nil
	if len(h.viewers) == 0 {
		return
	}
	h.checked.refresh(r.at)
	text := event("frame", h.frame())
	for v := range h.viewers {
		v.offer(text)
	}
}

// offer replaces the frame that waits: a slow viewer gets the newest.
func (v *viewer) offer(text []byte) {
	select {
	case <-v.next:
	default:
	}
	v.next <- text
}

// event is a server-sent event.
func event(name string, content any) []byte {
	text, err := json.Marshal(content)
	if err != nil {
		panic(err) // our own types have no values that cannot be written
	}
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, text)
}

// enter adds a viewer and returns what it gets first; nil when there are too many.
func (h *hub) enter() (*viewer, []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.viewers) >= maxViewers {
		return nil, nil
	}
	v := &viewer{next: make(chan []byte, 1)}
	h.viewers[v] = struct{}{}
	if h.hello == nil {
		h.hello = h.greet()
	}
	return v, h.hello
}

// greet makes the hello of the newest reading, and a frame behind it. The lock
// is held.
func (h *hub) greet() []byte {
	if len(h.history.readings) == 0 {
		return event("hello", hello{Instance: h.instance, Curves: curveNames[:], Kept: kept})
	}
	h.checked.refresh(time.Now())
	now := &h.history.newest().reactor
	first := event("hello", hello{
		Instance: h.instance, Version: h.Version, Addr: h.Addr, MaxConnections: now.MaxConnections, MaxUploads: now.MaxUploads,
		Budget: now.Memory.Budget, Kept: kept, Curves: curveNames[:], Times: h.history.times, Points: h.history.points,
	})
	return append(first, event("frame", h.frame())...)
}

func (h *hub) leave(v *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.viewers, v)
}

// ServeHTTP sends events until the viewer leaves, or the server ends.
func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "text/event-stream")
		return
	}
	v, first := h.enter()
	if v == nil {
		w.Header().Set("Retry-After", "10")
		http.Error(w, "Too many look on already.", http.StatusServiceUnavailable)
		return
	}
	defer h.leave(v)
	w.Header().Set("Content-Type", "text/event-stream")
	stream := http.NewResponseController(w)
	for next := fmt.Appendf(nil, "retry: %d\n\n%s", retryAfter, first); ; {
		if !send(w, stream, next) {
			return
		}
		select {
		case next = <-v.next:
		case <-r.Context().Done():
			send(w, stream, event("bye", struct{}{})) // the viewer may be who left
			return
		}
	}
}

func send(w http.ResponseWriter, stream *http.ResponseController, text []byte) bool {
	if err := stream.SetWriteDeadline(time.Now().Add(viewerPatience)); err != nil {
		return false
	}
	if _, err := w.Write(text); err != nil {
		return false
	}
	return stream.Flush() == nil
}
