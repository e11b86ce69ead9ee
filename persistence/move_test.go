package persistence

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// filled is a store with everything that Move has to bring along.
func filled(t *testing.T) (*Store, string) {
	directory := fastDir(t)
	s := openTest(t, Options{DataDir: directory, OnConflict: Keep, Keep: 3})
	for _, name := range []string{"anna", "Grüße 文件"} {
		id := register(t, s, name)
		if _, err := s.OfferKey(t.Context(), id, bytes.Repeat([]byte{7}, PublicKeySize), [32]byte{1}); err != nil {
			t.Fatal(err)
		}
		if err := s.SetChecksum(t.Context(), id, "cksum"); err != nil {
			t.Fatal(err)
		}
		for _, content := range []string{"first", "second", "third"} {
			verifyNew(t, s, id, "a.txt", content)
		}
		verifyNew(t, s, id, "empty", "")
		verifyNew(t, s, id, "large", string(largeContent()))
		if err := receive(t, s, id, "rejected", []byte("x")).Discard(t.Context()); err != nil {
			t.Fatal(err)
		}
		if name == "anna" {
			if err := openOperator(t, s).Revoke(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s, directory
}

// exportOf is all rows, but where content is.
func exportOf(t *testing.T, s *Store) string {
	t.Helper()
	var out bytes.Buffer
	if err := s.Export(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for i, line := range lines {
		before, rest, found := strings.Cut(line, `"path_name":"`)
		if found {
			_, after, _ := strings.Cut(rest, `"`)
			lines[i] = before + after
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func targets(t *testing.T) map[string]func(*testing.T) Options {
	return map[string]func(*testing.T) Options{
		"disk": func(t *testing.T) Options { return Options{DataDir: fastDir(t)} },
		"S3": func(t *testing.T) Options {
			place := testOptions(t)
			return Options{DataDir: fastDir(t), S3: &place}
		},
		"PostgreSQL and S3": func(t *testing.T) Options {
			place := testOptions(t)
			return Options{Postgres: postgresDSN(t), S3: &place}
		},
	}
}

func TestMoveBringsEverythingAlong(t *testing.T) {
	for name, target := range targets(t) {
		t.Run(name, func(t *testing.T) {
			from, _ := filled(t)
			options := target(t)
			to := openTest(t, options)
			want := exportOf(t, from)
			dry, err := Move(t.Context(), from, to, MoveOptions{DryRun: true})
			if err != nil || dry.Clients != 2 || len(dry.Problems) > 0 {
				t.Errorf("dry run: %+v, %v", dry, err)
			}
			if left := exportOf(t, to); left != "" {
				t.Errorf("the dry run wrote %s", left)
			}
			var last MoveProgress
			report, err := Move(t.Context(), from, to, MoveOptions{Progress: func(p MoveProgress) { last = p }})
			if err != nil || report.Clients != 2 || report.Files != 10 || len(report.Problems) > 0 {
				t.Errorf("%+v, %v, want 2 clients, 10 contents", report, err)
			}
			if last.Files != last.AllFiles || last.Bytes != last.AllBytes || last.Bytes != report.Bytes {
				t.Errorf("progress ended at %+v", last)
			}
			if got := exportOf(t, to); got != want {
				t.Errorf("rows\n%s\nwant\n%s", got, want)
			}
			again, err := Move(t.Context(), from, to, MoveOptions{})
			if err != nil || again.Files != 0 || again.Present != 10 {
				t.Errorf("again: %+v, %v, want nothing to do", again, err)
			}
			if checked, err := to.Check(t.Context(), CheckOptions{Deep: true}); err != nil || len(checked.Findings) > 0 {
				t.Errorf("check: %+v, %v", checked, err)
			}
		})
	}
}

// TestMoveCounts: the quotas of the target count what comes, and what they do
// not allow is listed and left.
func TestMoveCounts(t *testing.T) {
	from, _ := filled(t)
	for _, conflict := range []Conflict{Replace, Keep} {
		for _, allowed := range []int64{4, 5} { // of the 5 contents of each client
			to := openTest(t, Options{DataDir: fastDir(t), OnConflict: conflict, Keep: 3, Quota: Quota{ClientFiles: allowed, TotalFiles: 100}})
			report, err := Move(t.Context(), from, to, MoveOptions{})
			if left := 2 * (5 - allowed); err != nil || report.Files != 2*allowed || int64(len(report.Problems)) != left {
				t.Errorf("%v, %d allowed: %+v, %v, want %d left", conflict, allowed, report, err, left)
			}
			for _, p := range report.Problems {
				if !strings.Contains(p.Reason, "the quota is 4") {
					t.Errorf("problem %+v", p)
				}
			}
			mustAgree(t, to)
			if files, _, _, err := to.TotalUsage(t.Context()); err != nil || files != 2*allowed {
				t.Errorf("%v, %d allowed: %d files are counted, %v", conflict, allowed, files, err)
			}
		}
	}
}

func TestMoveGoesOnWhereItWasEnded(t *testing.T) {
	from, _ := filled(t)
	place := testOptions(t)
	options := Options{DataDir: fastDir(t), S3: &place}
	want := exportOf(t, from)
	for stop := int64(1); ; stop += 4 {
		to := openTest(t, options)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Move(ctx, from, to, MoveOptions{Progress: func(p MoveProgress) {
			if p.Files == stop {
				cancel()
			}
		}})
		cancel()
		done := exportOf(t, to)
		if closing := to.Close(); closing != nil {
			t.Fatal(closing)
		}
		if err == nil {
			if done != want {
				t.Errorf("rows\n%s\nwant\n%s", done, want)
			}
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	mustAgree(t, openTest(t, options))
}

func TestMoveLeavesWhatDoesNotFit(t *testing.T) {
	from, directory := filled(t)
	to := openTest(t, Options{DataDir: fastDir(t)})
	register(t, to, "anna") // another client of this name
	var damaged string
	for row, err := range from.fileRows(t.Context(), FileFilter{Verified: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if row.ClientName != "anna" && row.FileName == "large" {
			damaged = row.PathName
		}
	}
	if err := os.WriteFile(filepath.Join(directory, damaged), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		report, err := Move(t.Context(), from, to, MoveOptions{})
		if err != nil || len(report.Problems) != 2 {
			t.Fatalf("%+v, %v, want two problems", report, err)
		}
		if first := report.Problems[0]; first.Client != "anna" || first.FileName != "" {
			t.Errorf("first problem %+v", first)
		}
		if second := report.Problems[1]; second.FileName != "large" || !strings.Contains(second.Reason, "7 bytes") {
			t.Errorf("second problem %+v", second)
		}
	}
	mustAgree(t, to)
}

// TestMoveKnowsEveryColumn fails when a table or a column comes to be that Move
// may have to bring along: then see to it in move_rows.go, and say it here.
func TestMoveKnowsEveryColumn(t *testing.T) {
	known := map[string]string{
		"clients":      "Checksum ID KeyBudget LastSeen Modulus Name PublicKey Registered Revoked",
		"files":        "CRC32 Cksum FileName ID Number PathName Received Size Verified VerifiedAt",
		"versions":     "CRC32 Cksum FileName ID Number PathName Received Size VerifiedAt",
		"deliveries":   "Attempts CRC32 Cksum Dead Delivery Due Failure FileName ID Number PathName Size Target VerifiedAt",
		"pending_keys": "Approved Fingerprint ID Since",
		// Not moved: of this store alone, or made anew in the target.
		"uploads":    "Counted FileName ID Owner PathName Size Started State Upload",
		"store":      "Counting One Owner Since",
		"usage":      "Bytes Files ID",
		"migrations": "Applied Checksum Name Version",
	}
	s := openTest(t, Options{DataDir: fastDir(t)})
	var columns []struct{ Tbl, Col string }
	err := s.view(t.Context(), func(x tx) error {
		return x.list(&columns, `SELECT m.name AS tbl, c.name AS col FROM sqlite_master m, pragma_table_info(m.name) c
			WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, c.name`)
	})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, c := range columns {
		found[c.Tbl] = strings.TrimSpace(found[c.Tbl] + " " + c.Col)
	}
	if !maps.Equal(found, known) {
		t.Errorf("tables %v\nknown %v", found, known)
	}
}
