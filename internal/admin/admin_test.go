package admin

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second // of a test for what must come

// config shows something at every path, on a free port of the loopback interface.
func config() Config {
	say := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) })
	}
	return Config{
		Address: netip.MustParseAddrPort("127.0.0.1:0"),
		Hosts:   []string{"Quay.Example.org"},
		Metrics: say("metrics"), Page: say("page"),
		Ready: func(context.Context) error { return nil },
		Log:   zap.NewNop(),
	}
}

// Only those get through who asked on purpose.
func TestGuard(t *testing.T) {
	type request struct {
		method, path, host string
		header             map[string]string
		body               string
	}
	for name, c := range map[string]struct {
		request
		listen string // of the server; "": 127.0.0.1
		want   int
	}{
		"the address":           {request{host: "127.0.0.1:12340"}, "", 200},
		"the name":              {request{host: "localhost:12340"}, "", 200},
		"a capital name":        {request{host: "LocalHost."}, "", 200},
		"below the name":        {request{host: "quay.localhost:12340"}, "", 200},
		"IPv6":                  {request{host: "[::1]:12340"}, "", 200},
		"a configured name":     {request{host: "quay.example.ORG:12340"}, "", 200},
		"another name":          {request{host: "evil.example:12340"}, "", 421},
		"a name that begins so": {request{host: "localhost.evil.example"}, "", 421},
		"a name that ends so":   {request{host: "notlocalhost"}, "", 421},
		"another address":       {request{host: "192.0.2.1:12340"}, "", 421},
		"its address":           {request{host: "192.0.2.1:12340"}, "192.0.2.1:0", 200},
		"any address":           {request{host: "192.0.2.1:12340"}, "0.0.0.0:0", 200},
		"any address, a name":   {request{host: "evil.example"}, "0.0.0.0:0", 421},
		"head":                  {request{method: "HEAD", host: "localhost"}, "", 200},
		"post":                  {request{method: "POST", host: "localhost"}, "", 405},
		"delete":                {request{method: "DELETE", host: "localhost", path: "/metrics"}, "", 405},
		"a body":                {request{host: "localhost", body: "x"}, "", 400},
		"from here":             {request{host: "localhost", path: "/metrics", header: map[string]string{"Sec-Fetch-Site": "same-origin"}}, "", 200},
		"typed":                 {request{host: "localhost", path: "/metrics", header: map[string]string{"Sec-Fetch-Site": "none"}}, "", 200},
		"embedded":              {request{host: "localhost", path: "/debug/pprof/heap", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}}, "", 403},
		"from beside":           {request{host: "localhost", path: "/metrics", header: map[string]string{"Sec-Fetch-Site": "same-site"}}, "", 403},
		"a link":                {request{host: "localhost", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}}, "", 200},
		"a frame":               {request{host: "localhost", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}}, "", 403},
	} {
		conf := config()
		if c.listen != "" {
			conf.Address = netip.MustParseAddrPort(c.listen)
		}
		path := c.path
		if path == "" {
			path = "/"
		}
		r := httptest.NewRequest(c.method, path, strings.NewReader(c.body))
		r.Host = c.host
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		newGuard(conf, routes(conf)).ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d", name, w.Code, c.want)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: headers %v", name, w.Header())
		}
	}
}

func get(t *testing.T, s *Server, path string) (status int, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	addr, err := s.Addr(ctx)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr.String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestPaths(t *testing.T) {
	var trouble atomic.Pointer[error]
	c := config()
	c.Ready = func(context.Context) error {
		if err := trouble.Load(); err != nil {
			return *err
		}
		return nil
	}
	s := Start(c)
	defer s.Close()
	for path, want := range map[string]string{
		"/": "page", "/events": "page", "/metrics": "metrics", "/healthz": "ok\n", "/readyz": "ready\n",
		"/debug/pprof/": "heap", "/debug/pprof/goroutine?debug=1": "goroutine profile", "/debug/pprof/cmdline": "",
	} {
		if status, body := get(t, s, path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d, %.80q, want %q", path, status, body, want)
		}
	}
	if status, body := get(t, s, "/debug/pprof/goroutine?debug=2"); status != 403 || strings.Contains(body, "goroutine 1") {
		t.Errorf("the arguments of functions are shown: %d, %.200s", status, body)
	}
	if status, body := get(t, s, "/debug/pprof/profile?seconds=1"); status != 200 || len(body) == 0 {
		t.Errorf("a profile: %d, %d bytes", status, len(body))
	}
	err := errors.New("no space")
	trouble.Store(&err)
	if status, body := get(t, s, "/readyz"); status != 503 || body != "not ready: no space\n" {
		t.Errorf("%d, %q", status, body)
	}
	if status, _ := get(t, s, "/healthz"); status != 200 {
		t.Errorf("the process is called dead because of its storage: %d", status)
	}
}

// An address that is in use is taken as soon as it is free.
func TestAddressInUse(t *testing.T) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := config()
	c.Address = first.Addr().(*net.TCPAddr).AddrPort()
	s := Start(c)
	defer s.Close()
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Addr(soon); err == nil {
		t.Error("two listen on one address")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if status, _ := get(t, s, "/healthz"); status != 200 {
		t.Errorf("status %d", status)
	}
}

// Close does not wait for an address, and not for a stream.
func TestClose(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := config()
	c.Address = taken.Addr().(*net.TCPAddr).AddrPort()
	Start(c).Close()

	streams := make(chan struct{})
	c = config()
	c.Page = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(streams)
		<-r.Context().Done()
	})
	s := Start(c)
	go func() {
		<-streams
		s.Close()
	}()
	if status, _ := get(t, s, "/"); status != 200 {
		t.Errorf("status %d", status)
	}
	s.Close()
}
