package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// The calls that bring content into the store.
var callsS3 = map[string]func(*http.Request) bool{
	"begin":    func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("uploads") },
	"part":     func(r *http.Request) bool { return r.Method == http.MethodPut && r.URL.Query().Has("partNumber") },
	"complete": func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") },
	"put":      func(r *http.Request) bool { return r.Method == http.MethodPut && r.URL.RawQuery == "" },
}

// faulty is a proxy before the test server that spoils the first of the calls
// that match.
func faulty(t *testing.T, match func(*http.Request) bool, spoil func(w http.ResponseWriter, pass func())) S3 {
	options := testOptions(t)
	upstream, err := url.Parse(options.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	forward := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(upstream)
		r.Out.Host = r.In.Host // it is signed
	}}
	var done atomic.Bool
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !match(r) || done.Swap(true) {
			forward.ServeHTTP(w, r)
			return
		}
		spoil(w, func() { forward.ServeHTTP(httptest.NewRecorder(), r) })
	}))
	t.Cleanup(func() { proxy.Close(); transport.CloseIdleConnections() })
	options.Endpoint = proxy.URL
	return options
}

var faultsS3 = map[string]func(http.ResponseWriter, func()){
	"the answer is lost":    func(_ http.ResponseWriter, pass func()) { pass(); panic(http.ErrAbortHandler) },
	"the request is lost":   func(http.ResponseWriter, func()) { panic(http.ErrAbortHandler) },
	"the store is too busy": func(w http.ResponseWriter, _ func()) { w.WriteHeader(http.StatusServiceUnavailable) },
}

// TestS3OneFaultIsOvercome: one fault of each kind at each call costs nothing,
// and leaves nothing behind.
func TestS3OneFaultIsOvercome(t *testing.T) {
	for call, match := range callsS3 {
		for fault, spoil := range faultsS3 {
			t.Run(call+": "+fault, func(t *testing.T) {
				t.Parallel()
				s := mustS3(t, faulty(t, match, spoil))
				key, content := versionKey(newClientID(), "upload", "name"), largeContent()
				if call == "put" {
					content = content[:1000]
				}
				if err := publish(t, s, key, content); err != nil {
					t.Fatal(err)
				}
				if got := readKey(t, s, key); !bytes.Equal(got, content) {
					t.Errorf("%d bytes, want %d", len(got), len(content))
				}
				mustHaveDrafts(t, s)
			})
		}
	}
}

func TestS3RefusesWhatIsNotWhatItsChecksumSays(t *testing.T) {
	s := mustS3(t, testOptions(t))
	for _, content := range [][]byte{[]byte("small"), largeContent()} {
		key := versionKey(newClientID(), "upload", "name")
		d, err := s.create(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := d.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		sums := sumsOf(content)
		sums.CRC32++
		if err := d.publish(t.Context(), sums); err == nil {
			t.Error("published under another checksum")
		}
		if _, err := d.discard(); err != nil {
			t.Error(err)
		}
		if _, err := s.size(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("it is visible: %v", err)
		}
	}
}

// toxic is a proxy on the way to the test server.
func toxic(t *testing.T, options *S3) *toxiproxy.Proxy {
	zerolog.SetGlobalLevel(zerolog.Disabled)
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "s3", "127.0.0.1:0", strings.TrimPrefix(options.Endpoint, "http://"))
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	options.Endpoint = "http://" + proxy.Listen
	return proxy
}

// TestS3AwayIsAnErrorInTime: without the store an upload ends with an error in
// bounded time, and once it is back a sweep leaves nothing of it.
func TestS3AwayIsAnErrorInTime(t *testing.T) {
	for name, fault := range map[string]string{
		"silent": `{"type": "timeout", "attributes": {"timeout": 0}}`,
		"reset":  `{"type": "reset_peer", "attributes": {"timeout": 0}}`,
		"cut":    `{"type": "limit_data", "stream": "upstream", "attributes": {"bytes": 3000}}`,
		"slow":   `{"type": "bandwidth", "stream": "upstream", "attributes": {"rate": 1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := testOptions(t)
			proxy := toxic(t, &options)
			options.Timeout = 2 * time.Second
			s := openTest(t, Options{DataDir: fastDir(t), S3: &options, Trouble: func(error) {}})
			id := register(t, s, "anna")
			u, err := s.Begin(t.Context(), id, "large", 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := u.Write(largeContent()[:leastPart+1]); err != nil {
				t.Fatal(err)
			}
			if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(fault)); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			if _, err = u.Write(largeContent()); err == nil {
				if err = u.Received(t.Context(), sumsOf(append(largeContent()[:leastPart+1], largeContent()...))); err == nil {
					err = u.Verify(t.Context())
				}
			}
			if err == nil {
				t.Error("verified without the store")
			}
			if took := time.Since(begun); took > time.Minute {
				t.Errorf("it took %v to fail", took)
			}
			if err := u.Discard(t.Context()); err != nil {
				t.Error(err)
			}
			proxy.Toxics.ResetToxics(t.Context())
			mustSweepClean(t, s)
			verifyNew(t, s, id, "large", "again")
			mustAgree(t, s)
		})
	}
}

// mustSweepClean sweeps until nothing is left: what was under way when the
// store was lost may still arrive.
func mustSweepClean(t *testing.T, s *Store) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		_, err := s.Sweep(t.Context())
		var report Report
		if err == nil {
			report, err = s.Check(t.Context(), CheckOptions{})
		}
		if err == nil && len(report.Findings) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left: %+v, %v", report.Findings, err)
		}
	}
}

func TestS3SaysWhatIsWrongAtStart(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*S3)
		want   string
	}{
		"bucket":    {func(o *S3) { o.Bucket = "another-one" }, "make the bucket first"},
		"scheme":    {func(o *S3) { o.Endpoint = "127.0.0.1:9000" }, "want"},
		"user":      {func(o *S3) { o.Endpoint = "http://me:secret@host" }, "nothing but scheme, host and port"},
		"part size": {func(o *S3) { o.PartSize = 1 << 20 }, "5242880"},
		"region":    {func(o *S3) { o.Region = "eu-central-1" }, "region"},
		"CA file":   {func(o *S3) { o.CAFile = "nowhere.pem" }, "nowhere.pem"},
		"nobody":    {func(o *S3) { o.Endpoint = "http://127.0.0.1:1"; o.Timeout = time.Second }, "127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			options := testOptions(t)
			test.change(&options)
			_, err := newS3(t.Context(), options)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// TestS3MemoryIsBounded: a thousand small files and some large ones at once take
// no more blocks than there are, and all give them back.
func TestS3MemoryIsBounded(t *testing.T) {
	options := testOptions(t)
	options.Memory = 32 * blockSize
	s := mustS3(t, options)
	var drafts []draft
	for n := range 300 {
		d, err := s.create(t.Context(), versionKey(ClientID{}, fmt.Sprint(n), "a"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Write(bytes.Repeat([]byte{byte(n)}, 1000+n*300)); err != nil {
			t.Fatal(err)
		}
		drafts = append(drafts, d)
	}
	if left := s.memory.left.Load(); left != 0 {
		t.Errorf("%d blocks are left while all want some", left)
	}
	for n, d := range drafts {
		content := bytes.Repeat([]byte{byte(n)}, 1000+n*300)
		if n%10 == 0 {
			if err := d.publish(t.Context(), sumsOf(content)); err != nil {
				t.Error(err)
			}
		}
		if _, err := d.discard(); err != nil {
			t.Error(err)
		}
	}
	if left := s.memory.left.Load(); left != 32 {
		t.Errorf("%d blocks came back, want 32", left)
	}
}
