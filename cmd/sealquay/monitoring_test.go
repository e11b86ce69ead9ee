package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/sealquay/sealquay/internal/config"
)

// An adminClient asks at the admin address of a test server.
type adminClient struct {
	*adminServer
	addr netip.AddrPort
}

// showTestServer serves the admin address of s on a free port.
func showTestServer(t testing.TB, s *testServer) *adminClient {
	t.Helper()
	cfg := &config.Config{Admin: config.Admin{Address: netip.MustParseAddrPort("127.0.0.1:0")}}
	c := &adminClient{adminServer: startAdmin(cfg, zap.NewNop(), s.server)}
	t.Cleanup(c.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var err error
	if c.addr, err = c.Addr(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *adminClient) get(t testing.TB, path string) (status int, body string) {
	t.Helper()
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + c.addr.String() + path)
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

// scrape returns the names of all metrics with their types, and all samples.
func (c *adminClient) scrape(t testing.TB) (types map[string]string, samples map[string]string) {
	t.Helper()
	status, text := c.get(t, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	types, samples = map[string]string{}, map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			types[name] = kind
		} else if !strings.HasPrefix(line, "#") {
			at := strings.LastIndexByte(line, ' ')
			samples[line[:at]] = line[at+1:]
		}
	}
	return types, samples
}

// withTotalQuota is for the metrics that are there only with it.
func withTotalQuota(c *config.Config) { c.Quota.TotalBytes, c.Quota.TotalFiles = 1000, 10 }

// The document's table is the live scrape, no metric more or less.
func TestMetricsAreDocumented(t *testing.T) {
	s := startTestServer(t, withTotalQuota)
	deliverNew(t, s, "anna", "a.txt", []byte("content"))
	types, samples := showTestServer(t, s).scrape(t)
	document, err := os.ReadFile("../../docs/MONITORING.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(sealquay_\\w+)` \\| (\\w+) \\|").FindAllSubmatch(document, -1) {
		documented[string(m[1])] = string(m[2])
	}
	maps.DeleteFunc(types, func(name, _ string) bool { return !strings.HasPrefix(name, "sealquay_") })
	if !maps.Equal(types, documented) {
		t.Errorf("scraped\n%v\ndocumented\n%v", types, documented)
	}
	for sample, want := range map[string]string{
		`sealquay_requests_total{op="registration",status="2100"}`:   "1",
		`sealquay_requests_total{op="encrypted_file",status="2103"}`: "1",
		`sealquay_files_verified_total`:                              "1",
		`sealquay_verified_bytes_total`:                              "7",
		`sealquay_quota_used_bytes`:                                  "7",
		`sealquay_quota_limit_bytes`:                                 "1000",
		`sealquay_quota_used_files`:                                  "1",
		`sealquay_quota_limit_files`:                                 "10",
		`sealquay_storage_ready`:                                     "1",
		`sealquay_request_duration_seconds_count{op="valid_crc"}`:    "1",
		`sealquay_build_info{goversion="` + runtime.Version() + `",version="` + version() + `"}`: "1",
	} {
		if samples[sample] != want {
			t.Errorf("%s is %q, want %s", sample, samples[sample], want)
		}
	}
	for sample := range samples {
		if strings.Contains(sample, "anna") || strings.Contains(sample, "127.0.0.1") || strings.Contains(sample, "a.txt") {
			t.Errorf("a label from outside: %s", sample)
		}
	}
}

// used is what an expression, whose strings are taken out, names.
var used = regexp.MustCompile(`\b(?:sealquay|go|process)_[a-z_]+\b`)

// Whatever the dashboard and the alert rules ask for is there.
func TestDashboardAndRulesNameLiveMetrics(t *testing.T) {
	types, samples := showTestServer(t, startTestServer(t, withTotalQuota)).scrape(t)
	series := map[string]bool{}
	for sample := range samples {
		name, _, _ := strings.Cut(sample, "{")
		series[name] = true
	}
	for _, path := range []string{"../../deploy/grafana/sealquay.json", "../../deploy/prometheus/sealquay.rules.yml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		names := used.FindAllString(string(text), -1)
		if len(names) < 12 {
			t.Errorf("%s names %d metrics only", path, len(names))
		}
		for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
			if !series[name] && types[name] == "" {
				t.Errorf("%s: no metric is called %s", path, name)
			}
		}
	}
	dashboard, err := os.ReadFile("../../deploy/grafana/sealquay.json")
	if err != nil || !json.Valid(dashboard) {
		t.Errorf("the dashboard is no JSON, %v", err)
	}
}

// Prometheus' own tool accepts the scrape and the rules, and has the rules fire.
func TestPromtool(t *testing.T) {
	status, text := showTestServer(t, startTestServer(t, withTotalQuota)).get(t, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	dir := t.TempDir()
	for _, path := range []string{"../../deploy/prometheus/sealquay.rules.yml", "testdata/prometheus/rules.test.yml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	promtool := func(in string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(in)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out.String())
		}
	}
	promtool(text, "check", "metrics")
	promtool("", "check", "rules", "sealquay.rules.yml")
	promtool("", "test", "rules", "rules.test.yml")
}

// A server that drains, or whose storage fails, is not ready, and says why.
func TestReadiness(t *testing.T) {
	s := startTestServer(t)
	a := showTestServer(t, s)
	if status, body := a.get(t, "/readyz"); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
	server := s.server
	s.stop(t)
	if status, body := a.get(t, "/readyz"); status != http.StatusServiceUnavailable || body != "not ready: the server drains\n" {
		t.Errorf("%d %q", status, body)
	}
	server.draining.Store(false) // what is left is a storage that is closed
	if status, body := a.get(t, "/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "closed") {
		t.Errorf("%d %q", status, body)
	}
	if status, _ := a.get(t, "/healthz"); status != http.StatusOK {
		t.Errorf("healthz: %d", status)
	}
}
