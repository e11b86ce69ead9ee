package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealquay/sealquay/bench"
	"github.com/sealquay/sealquay/bench/report"
)

// runBench runs `bench` with these arguments, and returns what it printed.
func runBench(t *testing.T, want int, args ...string) (out, complaints string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(append([]string{"bench"}, args...), console{nil, &stdout, &stderr}); status != want {
		t.Fatalf("bench %q: exit %d, want %d\n%s%s", args, status, want, stdout.String(), stderr.String())
	}
	return stdout.String(), stderr.String()
}

func TestBenchEveryScenarioAgainstTheServer(t *testing.T) {
	server := startTestServer(t)
	file := filepath.Join(t.TempDir(), "result.json")
	for _, model := range [][]string{{"--clients", "8"}, {"--rate", "1000", "--clients", "8"}} {
		out, lines := runBench(t, 0, append(model, "--target", server.addr.String(), "--sessions", "80", "-d", "20s", "--warmup", "0s", "--keys", "2",
			"--scenario", "register=1,key-exchange=1,one-file=2,many-files=1,reconnect=1,idle-crowd=1,slow-sender=1,crc-retry=1",
			"--size", "list:0B,1KiB*3,70KiB", "--idle", "20ms", "--slow-rate", "10MiB", "--files", "3",
			"--verify", server.dir, "--pid", strconv.Itoa(os.Getpid()), "--json", file, "--fail", "errors<=0", "--fail", "dropped<=0")...)
		r, err := report.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		if r.Sessions != 80 || r.Failed != 0 || r.Verification.Acknowledged < 60 || !r.Verification.Proven() {
			t.Errorf("%d sessions, %v, %+v", r.Sessions, r.Failures, r.Verification)
		}
		if r.Latencies[bench.InvalidCRC].Count == 0 || r.Latencies[bench.Upload].P50 <= 0 || r.Server == nil || r.Environment.CPU == "" {
			t.Errorf("something was not measured: %+v", r)
		}
		for _, want := range []string{"passed  errors<=0: 0", "verified   all", "sessions/s"} {
			if !strings.Contains(out, want) {
				t.Errorf("there is no %q in\n%s", want, out)
			}
		}
		if !strings.Contains(lines, "failed 0") {
			t.Errorf("no line for a second:\n%s", lines)
		}
	}
	server.checkLog(t)
}

func TestBenchInEveryForm(t *testing.T) {
	server := startTestServer(t)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	runBench(t, 0, "--target", server.addr.String(), "--sessions", "20", "--warmup", "0s", "--keys", "1", "-q",
		"--json", path("a.json"), "--csv", path("a.csv"), "--hlog", path("a.hlog"), "--html", path("a.html"))
	for name, want := range map[string]string{"a.csv": "second,length", "a.hlog": "HISTFAAA", "a.html": "uPlot"} {
		text, err := os.ReadFile(path(name))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, %d bytes", name, err, len(text))
		}
	}
	if out, _ := runBench(t, 0, "report", path("a.json")); !strings.Contains(out, "20 succeeded") {
		t.Errorf("report:\n%s", out)
	}
	if out, _ := runBench(t, 0, "compare", path("a.json"), path("a.json")); !strings.Contains(out, "session p99") {
		t.Errorf("compare:\n%s", out)
	}
}

func TestBenchExitStatus(t *testing.T) {
	server := startTestServer(t)
	at := server.addr.String()
	short := []string{"--sessions", "5", "--warmup", "0s", "--keys", "1", "--target", at}
	if out, _ := runBench(t, 1, append(short, "--fail", "p50<1us")...); !strings.Contains(out, "failed  p50<1us") {
		t.Errorf("a condition that fails:\n%s", out)
	}
	for want, args := range map[string][]string{
		"--remote":    {"--target", "192.0.2.1:1"},
		"condition":   {"--fail", "speed>1", "--target", at},
		"scenario":    {"--scenario", "none", "--target", at},
		"stage":       {"--stages", "10", "--target", at},
		"level":       {"--rate=-5", "--target", at},
		"reached":     {"--target", "127.0.0.1:1"},
		"descriptors": {"--clients", "99999", "--target", at, "--sources", "100"},
		"process":     {"--pid=-5", "--target", at},
	} {
		if _, complaint := runBench(t, 1, args...); !strings.Contains(complaint, want) {
			t.Errorf("%q: %s", args, complaint)
		}
	}
}

// What was acknowledged and is gone is found.
func TestBenchVerifyFindsALoss(t *testing.T) {
	server := startTestServer(t)
	runner, err := bench.New(t.Context(), benchPlan(t, server), bench.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if result := runner.Run(t.Context()); result.Sessions != 5 {
		t.Fatalf("%d sessions, %v", result.Sessions, result.Failures)
	}
	paths := regularFiles(t, server.dir, "files")
	if err := os.WriteFile(filepath.Join(server.dir, paths[0]), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(server.dir, paths[1])); err != nil {
		t.Fatal(err)
	}
	v, err := verifyStorage(t.Context(), server.dir, []bench.Ledger{runner.Ledger()})
	if err != nil {
		t.Fatal(err)
	}
	if v.Proven() || v.Acknowledged != 5 || v.Found != 3 || v.Wrong != 2 {
		t.Errorf("%+v", v)
	}
}

func benchPlan(t testing.TB, server *testServer) bench.Plan {
	t.Helper()
	f := benchPlanFlags{Target: server.addr.String(), Clients: 2, Duration: 1 << 40, Grace: 1 << 34, Sessions: 5, Scenario: "one-file", Size: "1KiB",
		Files: 1, SlowRate: "1KiB", Seed: 1, Encrypt: "auto", Keys: 1, Timeout: 1 << 34, Pause: 1}
	p, err := f.plan()
	if err != nil {
		t.Fatal(err)
	}
	p.Remember = true
	return p
}

func TestBenchHelpNamesEveryScenario(t *testing.T) {
	out, _ := runBench(t, 0, "run", "--help")
	words := regexp.MustCompile(`\s+`).ReplaceAllString(out, " ")
	for _, line := range bench.ScenarioHelp() {
		name, _, _ := strings.Cut(line, ":")
		if !strings.Contains(words, name) {
			t.Errorf("the help does not name %s", name)
		}
	}
}

// TestBenchFiveThousandClients holds as many at once beside the server, in one
// process, within 1 GiB. It takes half a minute and 10,000 descriptors:
// SEALQUAY_LONG=1 go test ./cmd/sealquay -run FiveThousand.
func TestBenchFiveThousandClients(t *testing.T) {
	if !long {
		t.Skip("SEALQUAY_LONG is not set")
	}
	const clients, most = 5000, 1 << 30
	server := startTestServer(t)
	p := benchPlan(t, server)
	p.Mix = bench.Mix{{Scenario: "idle-crowd", Weight: 1}}
	p.Stages = bench.Stages{{Duration: 10 * time.Second, From: 0, To: clients}, {Duration: 5 * time.Second, From: clients, To: clients}}
	p.Idle, p.Grace, p.MaxSessions = 10*time.Second, time.Minute, clients
	runner, err := bench.New(t.Context(), p, bench.Options{})
	if err != nil {
		t.Fatal(err)
	}
	result := runner.Run(t.Context())
	active := int64(0)
	for _, i := range result.Intervals {
		active = max(active, i.Active)
	}
	if result.Sessions != clients || result.Failed != 0 || active < clients*9/10 {
		t.Errorf("%d sessions, at most %d at once, %v", result.Sessions, active, result.Failures)
	}
	if peak := result.Generator.PeakRSS; peak > most {
		t.Errorf("%s in memory", report.Bytes(peak))
	}
	if v, err := verifyStorage(t.Context(), server.dir, []bench.Ledger{runner.Ledger()}); err != nil || !v.Proven() || v.Acknowledged != clients {
		t.Errorf("%+v, %v", v, err)
	}
	t.Logf("at most %d at once, %s", active, report.Bytes(result.Generator.PeakRSS))
}
