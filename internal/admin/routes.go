package admin

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"time"
)

// readyPatience is how long a check of the readiness may take.
const readyPatience = 2 * time.Second

func routes(c Config) http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/healthz", healthz)
	m.Handle("/readyz", readyz(c.Ready))
	m.Handle("/metrics", c.Metrics)
	m.Handle("/debug/pprof/", withoutArguments(http.HandlerFunc(pprof.Index)))
	m.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	m.HandleFunc("/debug/pprof/profile", pprof.Profile)
	m.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	m.HandleFunc("/debug/pprof/trace", pprof.Trace)
	m.Handle("/", c.Page)
	return m
}

// healthz answers as long as the process does: it is not to be restarted.
func healthz(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok") }

// readyz answers 200 if clients are to be sent here, else 503 and why not.
func readyz(ready func(context.Context) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyPatience)
		defer cancel()
		if err := ready(ctx); err != nil {
			text(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
			return
		}
		text(w, http.StatusOK, "ready")
	})
}

func text(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, line+"\n") // who asked may be gone
}

// withoutArguments refuses the one profile that shows the arguments of functions:
// they may be parts of a key.
func withoutArguments(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if level := r.FormValue("debug"); len(level) > 0 && level != "0" && level != "1" {
			text(w, http.StatusForbidden, fmt.Sprintf("debug=%.16q would show the arguments of functions, which may be secret; use debug=1", level))
			return
		}
		next.ServeHTTP(w, r)
	})
}
