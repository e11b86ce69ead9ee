package live

import (
	"context"
	_ "embed"
	"io"
	"net/http"
	"strings"

	"github.com/sealquay/sealquay/internal/uplot"
)

var (
	//go:embed page/page.html
	pageText string
	//go:embed page/page.css
	pageStyle string
	//go:embed page/page.js
	pageScript string
	//go:embed page/charts.js
	chartsScript string
	//go:embed page/icon.svg
	pageIcon string
)

// policy lets the page have what is served beside it, and nothing else: no inline
// script, no other host, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// A Page serves the live page, from New until Close.
type Page struct {
	http.Handler
	stop context.CancelFunc
	done chan struct{}
}

// New begins to read the figures.
func New(s Sources) *Page {
	ctx, stop := context.WithCancel(context.Background())
	h := newHub(&s)
	m := http.NewServeMux()
	for path, file := range map[string]struct{ kind, text string }{
		"/{$}":       {"text/html", pageText},
		"/page.css":  {"text/css", pageStyle},
		"/page.js":   {"text/javascript", pageScript},
		"/charts.js": {"text/javascript", chartsScript},
		"/icon.svg":  {"image/svg+xml", pageIcon},
		"/uplot.css": {"text/css", uplot.Style},
		"/uplot.js":  {"text/javascript", "/*\n" + strings.ReplaceAll(uplot.Licence, "*/", "* /") + "*/\n" + uplot.Script},
	} {
		m.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", file.kind+"; charset=utf-8")
			w.Header().Set("Content-Security-Policy", policy)
			_, _ = io.WriteString(w, file.text) // who asked may be gone
		})
	}
	m.Handle("/events", h)
	p := &Page{Handler: m, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		h.run(ctx)
	}()
	return p
}

// Close ends the reading. The streams are ended by who serves them.
func (p *Page) Close() {
	p.stop()
	<-p.done
}
