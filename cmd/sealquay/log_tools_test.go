package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sealquay/sealquay/internal/logging"
)

var updateDeploy = flag.Bool("update-deploy", false, "write deploy/lnav instead of comparing it")

// deploy names a file of the folder deploy.
func deploy(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(filepath.Join("..", "..", "deploy", path))
	if err != nil {
		t.Fatal(err)
	}
	return full
}

// needProgram skips the test where a program is not installed.
func needProgram(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
}

// realLog is the log of a server that served, refused and penalized somebody.
func realLog(t *testing.T) string {
	t.Helper()
	s := startTestServer(t)
	who := deliverNew(t, s, `alice "reason":"unknown_client"}`, "report.pdf", []byte("text"))
	p := dial(t, s)
	p.send(registration(who.name)) // taken
	p.expect(2101)
	p.send(request(clientID{1}, 1104, 271, make([]byte, 16), text("a")))
	p.expect(2101)
	stranger := clientID{2}
	p.send(request(stranger, 1104, 271, stranger[:], text("a")))
	p.expect(2101)
	p.close()
	s.awaitLines(t, "conn.close", 2)
	s.stop(t)
	s.log.all(t)
	penalty, _, flush := logging.New(logging.Options{Writer: &s.log.text})
	logging.NewAudit(penalty).Log(logging.Penalty, logging.ClientIP(s.addr.Addr()), logging.ReasonField(logging.UnknownCode), logging.Duration(1e9))
	flush()
	path := filepath.Join(t.TempDir(), "server.log")
	if err := os.WriteFile(path, s.log.text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// output runs a program that must end well.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "TERM=dumb")
	out, err := cmd.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out, failed.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// lnavFormat describes the log to lnav.
func lnavFormat() []byte {
	values := make(map[string]any)
	for _, f := range logging.Fields() {
		kind := map[logging.Kind]string{logging.KindInteger: "integer", logging.KindSeconds: "float", logging.KindBoolean: "boolean"}[f.Kind]
		value := map[string]any{"kind": kind}
		switch {
		case f.Name == "ts" || f.Name == "level" || f.Name == "msg":
			continue
		case f.Name == "limit":
			continue // as a word of SQL it would cost lnav the whole table
		case f.Name == "status" || f.Name == "op_code":
			value["foreign-key"] = true // a number that is no amount
		case strings.HasSuffix(f.Name, "_id") && kind == "integer":
			value["identifier"], value["foreign-key"] = true, true
		case kind == "":
			value["kind"] = "string"
			value["identifier"] = f.Name != "detail" && f.Name != "error" && f.Name != "stack"
		}
		values[f.Name] = value
	}
	format := map[string]any{
		"$schema": "https://lnav.org/schemas/format-v1.schema.json",
		"sealquay_log": map[string]any{
			"title":           "sealquay",
			"description":     "The log of the file server sealquay: see docs/LOGGING.md there.",
			"file-type":       "json",
			"timestamp-field": "ts",
			"level-field":     "level",
			"body-field":      "msg",
			"opid-field":      "conn_id",
			"hide-extra":      false,
			"line-format": []any{
				map[string]any{"field": "__timestamp__", "timestamp-format": "%H:%M:%S.%L"}, " ",
				map[string]any{"field": "__level__", "min-width": 5, "text-transform": "uppercase"}, " ",
				map[string]any{"field": "event", "min-width": 18}, " ",
				map[string]any{"field": "msg"},
			},
			"value": values,
		},
	}
	text, err := json.MarshalIndent(format, "", "\t")
	if err != nil {
		panic(err) // it is made of texts
	}
	return append(text, '\n')
}

// TestLnav reads a real log with lnav, by the format in deploy.
func TestLnav(t *testing.T) {
	path := deploy(t, "lnav/sealquay.json")
	if *updateDeploy {
		if err := os.WriteFile(path, lnavFormat(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stored, lnavFormat()) {
		t.Errorf("%s is not what the fields say; go test ./cmd/sealquay -run TestLnav -update-deploy writes it", path)
	}
	needProgram(t, "lnav")
	folder := filepath.Join(t.TempDir(), "formats", "sealquay")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "sealquay.json"), stored, 0o600); err != nil {
		t.Fatal(err)
	}
	base := filepath.Dir(filepath.Dir(folder))
	got := output(t, "lnav", "-n", "-I", base, "-c", ";SELECT reason, status, log_level FROM sealquay_log WHERE event = 'request.done' AND reason IS NOT NULL ORDER BY log_line",
		"-c", ":write-csv-to -", realLog(t))
	if want := "reason,status,log_level\nname_taken,2101,info\nclient_mismatch,2101,info\nunknown_client,2101,info\n"; !strings.Contains(got, want) {
		t.Errorf("lnav says\n%s", got)
	}
}

// TestFail2ban lets fail2ban find the sources of a real log that misused it.
func TestFail2ban(t *testing.T) {
	needProgram(t, "fail2ban-regex")
	got := output(t, "fail2ban-regex", "--print-all-matched", realLog(t), deploy(t, "fail2ban/filter.d/sealquay.conf"))
	matched := regexp.MustCompile(`(\d+) matched`).FindStringSubmatch(got)
	if matched == nil || matched[1] != "3" {
		t.Errorf("fail2ban found %v, want 3: two refusals and a penalty\n%s", matched, got)
	}
	for _, want := range []string{`"reason":"client_mismatch"`, `"reason":"unknown_client"}`, `"event":"penalty"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// TestDocumentedQueries runs every line that docs/LOGGING.md shows for jq and
// for sealquay logs.
func TestDocumentedQueries(t *testing.T) {
	document, err := os.ReadFile(filepath.Join("..", "..", "docs", "LOGGING.md"))
	if err != nil {
		t.Fatal(err)
	}
	path := realLog(t)
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "sealquay")); err != nil {
		t.Fatal(err)
	}
	_, haveJQ := exec.LookPath("jq")
	ran := 0
	for line := range strings.Lines(string(document)) {
		line = strings.TrimSpace(line)
		isJQ := strings.HasPrefix(line, "jq ")
		if !isJQ && !strings.HasPrefix(line, "sealquay logs") || isJQ && haveJQ != nil || strings.Contains(line, "--follow") {
			continue
		}
		ran++
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir = filepath.Dir(path)
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		status := (*exec.ExitError)(nil)
		if errors.As(err, &status) && status.ExitCode() == 1 && !isJQ {
			err = nil // nothing matched
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
		if isJQ && len(out) == 0 {
			t.Errorf("%s finds nothing", line)
		}
	}
	if ran < 14 {
		t.Error(fmt.Sprint("only ", ran, " lines were run"))
	}
}
