package persistence

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func writeFile(t testing.TB, s *Store, key, content string) {
	t.Helper()
	path := filepath.Join(s.options.DataDir, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRemovesWhatACrashLeft(t *testing.T) {
	directory := fastDir(t)
	s := openTest(t, Options{DataDir: directory})
	id := register(t, s, "anna")
	verifyNew(t, s, id, "a.txt", "first")
	left := receive(t, s, id, "b.txt", []byte("under way"))
	if err := left.publish(t.Context()); err != nil { // as far as Verify comes before its transaction
		t.Fatal(err)
	}
	writeFile(t, s, "tmp/draft", "draft")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := left.draft.discard(); err != nil {
		t.Fatal(err)
	}
	again := openTest(t, Options{DataDir: directory})
	for _, key := range []string{"tmp/draft", left.key} {
		if _, err := os.Lstat(filepath.Join(directory, key)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", key, err)
		}
	}
	mustAgree(t, again)
	if got := contentOf(t, again, "a.txt"); got != "first" {
		t.Errorf("content %q", got)
	}
}

func TestSweepQuarantinesStraysAndReportsMissing(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	id := register(t, s, "anna")
	verifyNew(t, s, id, "a.txt", "first")
	verifyNew(t, s, id, "b.txt", "second")
	waiting := receive(t, s, id, "c.txt", []byte("third"))
	strays := []string{plainKey(id, "stray"), "files/loose", "versions/deep/er/still"}
	for _, key := range strays {
		writeFile(t, s, key, "stray")
	}
	if err := os.Remove(filepath.Join(s.options.DataDir, plainKey(id, "b.txt"))); err != nil {
		t.Fatal(err)
	}
	report, err := s.Sweep(t.Context())
	slices.Sort(report.Quarantined)
	slices.Sort(strays)
	if err != nil || !slices.Equal(report.Quarantined, strays) || len(report.Missing) != 1 || report.Missing[0].FileName != "b.txt" {
		t.Errorf("sweep %+v, %v", report, err)
	}
	kept, _ := filepath.Glob(filepath.Join(s.options.DataDir, "quarantine", "*", "*"))
	if len(kept) != len(strays) {
		t.Errorf("in quarantine %q", kept)
	}
	if err := waiting.Verify(t.Context()); err != nil { // Sweep leaves live uploads alone
		t.Error(err)
	}
	// A key is free again once its stray is gone.
	verifyNew(t, s, id, "stray", "mine")
	if again, err := s.Sweep(t.Context()); err != nil || len(again.Quarantined) > 0 {
		t.Errorf("second sweep %+v, %v", again, err)
	}
}

func TestSweepEndsWhatDiscardCouldNot(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	u := receive(t, s, register(t, s, "anna"), "a.txt", []byte("content"))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := u.Discard(ended); !errors.Is(err, context.Canceled) {
		t.Fatalf("discard: %v", err)
	}
	if report, err := s.Sweep(t.Context()); err != nil || report.Intents != 1 {
		t.Errorf("sweep %+v, %v", report, err)
	}
	if report, err := s.Sweep(t.Context()); err != nil || report.Intents != 0 {
		t.Errorf("second sweep %+v, %v", report, err)
	}
}

func TestCheckFindsAndQuarantines(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t), OnConflict: Keep, Keep: 1})
	id := register(t, s, "anna")
	for _, name := range []string{"whole", "missing", "short", "damaged", "kept"} {
		verifyNew(t, s, id, name, "content")
	}
	verifyNew(t, s, id, "kept", "later content")
	if err := os.Remove(filepath.Join(s.options.DataDir, plainKey(id, "missing"))); err != nil {
		t.Fatal(err)
	}
	writeFile(t, s, plainKey(id, "short"), "cont")
	writeFile(t, s, plainKey(id, "damaged"), "c0ntent")
	writeFile(t, s, plainKey(id, "kept"), "C") // the earlier version is at the plain path
	writeFile(t, s, plainKey(id, "stray"), "stray")
	want := map[string]Problem{"missing": ProblemMissing, "short": ProblemSize, "damaged": ProblemCRC, "kept": ProblemSize, "stray": ProblemStray}
	look := func(options CheckOptions) map[string]Problem {
		t.Helper()
		report, err := s.Check(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]Problem{}
		for _, finding := range report.Findings {
			found[filepath.Base(finding.PathName)] = finding.Problem
			if finding.Quarantined != (options.Quarantine && finding.Problem != ProblemMissing) {
				t.Errorf("finding %+v", finding)
			}
		}
		return found
	}
	shallow := look(CheckOptions{})
	if len(shallow) != len(want)-1 || shallow["damaged"] != "" {
		t.Errorf("shallow check found %v", shallow)
	}
	for _, options := range []CheckOptions{{Deep: true}, {Deep: true, Quarantine: true}} {
		if found := look(options); len(found) != len(want) || !sameProblems(found, want) {
			t.Errorf("check %+v found %v, want %v", options, found, want)
		}
	}
	if found := look(CheckOptions{Deep: true}); len(found) != 1 || found["missing"] != ProblemMissing {
		t.Errorf("after quarantine: %v", found)
	}
	if got := contentOf(t, s, "kept"); got != "later content" {
		t.Errorf("content %q", got)
	}
}

func sameProblems(a, b map[string]Problem) bool {
	for name, problem := range a {
		if b[name] != problem {
			return false
		}
	}
	return true
}

func TestCheckKeepsItsRate(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	verifyNew(t, s, register(t, s, "anna"), "a.txt", strings.Repeat("x", 1<<20))
	ctx, cancel := context.WithCancel(t.Context())
	var last CheckProgress
	_, err := s.Check(ctx, CheckOptions{Deep: true, BytesPerSecond: 1, Progress: func(p CheckProgress) {
		last = p
		cancel()
	}})
	if !errors.Is(err, context.Canceled) || last.Bytes != 256<<10 {
		t.Errorf("check: %v after %+v, want to wait after 256 KiB", err, last)
	}
	start := time.Now()
	if _, err := s.Check(t.Context(), CheckOptions{Deep: true, BytesPerSecond: 100 << 20}); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took < 10*time.Millisecond { // 1 MiB at 100 MiB/s
		t.Errorf("took %v", took)
	}
}

func TestExportIsJSONLines(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t), OnConflict: Keep, Keep: 1})
	id := register(t, s, "anna")
	verifyNew(t, s, id, "a.txt", "first")
	verifyNew(t, s, id, "a.txt", "second")
	var out bytes.Buffer
	if err := s.Export(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for line := range strings.Lines(out.String()) {
		var row map[string]map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		for kind, fields := range row {
			kinds = append(kinds, kind)
			if fields["id"] != id.String() {
				t.Errorf("%s of %v", kind, fields["id"])
			}
		}
	}
	if want := []string{"client", "file", "version"}; !slices.Equal(kinds, want) {
		t.Errorf("exported %q, want %q", kinds, want)
	}
}

func TestListsGoOnPastAPage(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t), Durability: Relaxed})
	err := s.rows.update(t.Context(), func(x tx) error {
		for n := range 2*pageSize + 1 {
			id := newClientID()
			if err := insertClient(x, id, id.String()); err != nil {
				return err
			}
			u := &Upload{id: id, fileName: "a", key: plainKey(id, "a"), received: now(), size: int64(n)}
			if err := u.recordReceived(x); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	clients, files := 0, 0
	for _, err := range s.Clients(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		clients++
	}
	for _, err := range s.Files(t.Context(), FileFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		files++
	}
	if clients != 2*pageSize+1 || files != clients {
		t.Errorf("%d clients, %d files", clients, files)
	}
}
