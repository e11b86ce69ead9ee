package persistence

import (
	"io"
	"net/http"
	"sync"
)

// settledTransport returns from a request only when its body is no longer read.
// The library sends the same body again at the next attempt, and the memory of
// a part is given to another upload once its call has returned; the standard
// transport may go on reading for a while after an error or an early answer.
type settledTransport struct{ *http.Transport }

// RoundTrip implements http.RoundTripper.
func (t settledTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return t.Transport.RoundTrip(r)
	}
	body := &settledBody{ReadCloser: r.Body, closed: make(chan struct{})}
	r = r.Clone(r.Context())
	r.Body = body
	answer, err := t.Transport.RoundTrip(r)
	<-body.closed // the transport closes it, at the latest when the peer's patience ends
	return answer, err
}

// settledBody tells that it was closed. It may be closed while a read is under
// way, so both exclude each other.
type settledBody struct {
	io.ReadCloser
	mu     sync.Mutex
	done   bool
	closed chan struct{}
}

func (b *settledBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.ReadCloser.Read(p)
}

func (b *settledBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return nil
	}
	b.done = true
	close(b.closed)
	return b.ReadCloser.Close()
}
