package persistence

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// begin begins an upload that a quota may refuse.
func begin(t testing.TB, s *Store, id ClientID, name string, size int64) (*Upload, *QuotaError) {
	t.Helper()
	u, err := s.Begin(t.Context(), id, name, size)
	var refusal *QuotaError
	if err != nil && !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	return u, refusal
}

func wantQuota(t testing.TB, refusal *QuotaError, want QuotaError) {
	t.Helper()
	if refusal == nil || *refusal != want {
		t.Errorf("refusal %+v, want %+v", refusal, want)
	}
}

func TestQuotaIsReservedBeforeContent(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t), Quota: Quota{ClientBytes: 100, ClientFiles: 2}})
	anna, berta := register(t, s, "anna"), register(t, s, "berta")
	first, refusal := begin(t, s, anna, "a", 60)
	if refusal != nil {
		t.Fatal(refusal)
	}
	_, refusal = begin(t, s, anna, "b", 41)
	wantQuota(t, refusal, QuotaError{QuotaClientBytes, 101, 100})
	if _, refusal = begin(t, s, berta, "b", 100); refusal != nil {
		t.Errorf("another client: %v", refusal)
	}
	if err := first.Discard(t.Context()); err != nil {
		t.Fatal(err)
	}
	second, refusal := begin(t, s, anna, "b", 41)
	if refusal != nil {
		t.Fatalf("after what was reserved is given back: %v", refusal)
	}
	begin(t, s, anna, "c", 1)
	_, refusal = begin(t, s, anna, "d", 1)
	wantQuota(t, refusal, QuotaError{QuotaClientFiles, 3, 2})
	if _, err := second.Write(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := second.Received(t.Context(), Sums{}); !errors.As(err, &refusal) {
		t.Errorf("content larger than announced and than the quota: %v", err)
	}
	mustAgree(t, s)
}

func TestReplacingAFileNeedsNoSecondPlace(t *testing.T) {
	quota := Quota{ClientBytes: 10, ClientFiles: 1, TotalBytes: 10, TotalFiles: 1}
	s := openTest(t, Options{DataDir: fastDir(t), Quota: quota})
	id := register(t, s, "anna")
	for _, content := range []string{"ten bytes!", "short", "ten bytes."} {
		verifyNew(t, s, id, "a", content)
		mustAgree(t, s)
	}
	_, refusal := begin(t, s, id, "a", 11)
	wantQuota(t, refusal, QuotaError{QuotaTotalBytes, 11, 10})
	_, refusal = begin(t, s, id, "b", 0)
	wantQuota(t, refusal, QuotaError{QuotaTotalFiles, 2, 1})
}

func TestKeptVersionsCount(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t), OnConflict: Keep, Keep: 1, Quota: Quota{ClientFiles: 3, ClientBytes: 15}})
	id := register(t, s, "anna")
	for range 4 {
		verifyNew(t, s, id, "a", "four") // the last but one goes each time
	}
	mustAgree(t, s)
	_, refusal := begin(t, s, id, "a", 8)
	wantQuota(t, refusal, QuotaError{QuotaClientBytes, 16, 15})
}

func TestWarningOncePerCrossing(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t), Quota: Quota{ClientBytes: 100, TotalFiles: 1000}})
	id := register(t, s, "anna")
	warnings := func(name string, size int64) []QuotaWarning {
		u, refusal := begin(t, s, id, name, size)
		if refusal != nil {
			t.Fatal(refusal)
		}
		t.Cleanup(func() { _ = u.Discard(context.Background()) })
		return u.QuotaWarnings()
	}
	if w := warnings("a", 79); len(w) != 0 {
		t.Errorf("at 79 of 100: %v", w)
	}
	if w := warnings("b", 1); len(w) != 1 || w[0] != (QuotaWarning{QuotaClientBytes, 80, 100}) {
		t.Errorf("at 80 of 100: %v", w)
	}
	if w := warnings("c", 10); len(w) != 0 {
		t.Errorf("at 90 of 100: %v", w)
	}
}

// TestCountersFollowTheConfiguration: quotas may come, go and change between two
// openings, and what was under way at the end of one is given back.
func TestCountersFollowTheConfiguration(t *testing.T) {
	directory := fastDir(t)
	open := func(q Quota) *Store { return openTest(t, Options{DataDir: directory, Quota: q}) }
	s := open(Quota{})
	id := register(t, s, "anna")
	verifyNew(t, s, id, "a", "four")
	for i, q := range []Quota{
		{ClientBytes: 30}, {ClientBytes: 30, TotalFiles: 2}, {TotalBytes: 30}, {}, {ClientFiles: 2}, {ClientFiles: 2},
	} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(q)
		mustAgree(t, s)
		u, refusal := begin(t, s, id, "b", 20)
		if refusal != nil {
			t.Fatalf("opening %d: %v", i, refusal)
		}
		mustAgree(t, s)
		_ = u // the end of the process is its end
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCheckFindsWrongCounters(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t), Quota: Quota{TotalBytes: 1000}})
	id := register(t, s, "anna")
	verifyNew(t, s, id, "a", "four")
	for _, spoil := range []string{
		`UPDATE usage SET Bytes = Bytes + 1 WHERE ID = ?`, `DELETE FROM usage WHERE ID = ?`,
	} {
		for _, whose := range []ClientID{id, everybody} {
			mustUpdate(t, s.rows, func(x tx) error {
				_, err := x.exec(spoil, whose[:])
				return err
			})
		}
		report, err := s.Check(t.Context(), CheckOptions{})
		if err != nil || len(report.Findings) != 2 || report.Findings[0].Problem != ProblemUsage {
			t.Errorf("%s: %+v, %v; want two findings", spoil, report.Findings, err)
		}
	}
}

// TestQuotaHoldsWhateverHappens checks random histories of uploads under one
// and two names, one after the other: what is stored never exceeds a quota,
// verifying never fails because of one, and the counters are right all along.
func TestQuotaHoldsWhateverHappens(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		q := Quota{ClientBytes: rapid.Int64Range(0, 60).Draw(r, "bytes"), TotalFiles: rapid.Int64Range(1, 4).Draw(r, "files")}
		s := openTest(t, Options{
			DataDir: fastDir(t), Durability: Relaxed, Quota: q, Keep: 1,
			OnConflict: rapid.SampledFrom([]Conflict{Replace, Keep}).Draw(r, "conflict"),
		})
		id := register(t, s, "anna")
		var uploads []*Upload
		take := func(r *rapid.T) *Upload {
			if len(uploads) == 0 {
				r.Skip("no upload")
			}
			i := rapid.IntRange(0, len(uploads)-1).Draw(r, "upload")
			u := uploads[i]
			uploads = append(uploads[:i:i], uploads[i+1:]...)
			return u
		}
		r.Repeat(map[string]func(*rapid.T){
			"begin": func(r *rapid.T) {
				size := rapid.IntRange(0, 30).Draw(r, "size")
				u, refusal := begin(t, s, id, rapid.SampledFrom([]string{"a", "b"}).Draw(r, "name"), int64(size))
				if refusal != nil {
					return
				}
				more := rapid.IntRange(0, 2).Draw(r, "more than announced")
				if _, err := u.Write(make([]byte, size+more)); err != nil {
					r.Fatal(err)
				}
				if err := u.Received(t.Context(), Sums{}); errors.As(err, &refusal) {
					_ = u.Discard(t.Context())
				} else if err != nil {
					r.Fatal(err)
				} else {
					uploads = append(uploads, u)
				}
			},
			"verify": func(r *rapid.T) {
				if err := take(r).Verify(t.Context()); err != nil {
					r.Fatal(err)
				}
			},
			"discard": func(r *rapid.T) { _ = take(r).Discard(t.Context()) },
			"": func(r *rapid.T) {
				stored := storedUsage(t, s)
				if q.ClientBytes > 0 && stored.Bytes > q.ClientBytes || stored.Files > q.TotalFiles {
					r.Fatalf("%+v is stored, the quota is %+v", stored, q)
				}
				if report, err := s.Check(t.Context(), CheckOptions{}); err != nil || len(report.Findings) > 0 {
					r.Fatalf("check: %+v, %v", report.Findings, err)
				}
			},
		})
		for _, u := range uploads {
			_ = u.Discard(t.Context())
		}
		if err := s.Close(); err != nil {
			r.Fatal(err)
		}
	})
}

// storedUsage sums up the verified files and the versions that are kept.
func storedUsage(t testing.TB, s *Store) (all usage) {
	t.Helper()
	for row, err := range s.fileRows(t.Context(), FileFilter{Verified: true}) {
		if err != nil {
			t.Fatal(err)
		}
		all.Files, all.Bytes = all.Files+1, all.Bytes+row.Size
	}
	for row, err := range s.versionRows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all.Files, all.Bytes = all.Files+1, all.Bytes+row.Size
	}
	return all
}

// TestRacingUploadsStayWithinTheQuota: many uploads at once, of several clients,
// some given up.
func TestRacingUploadsStayWithinTheQuota(t *testing.T) {
	q := Quota{ClientBytes: 400, ClientFiles: 12, TotalBytes: 1000, TotalFiles: 40}
	options := Options{DataDir: fastDir(t), Durability: Relaxed, Quota: q}
	s := openTest(t, options)
	raceForQuota(t, q, s)
}

// raceForQuota has stores with the same rows race.
func raceForQuota(t *testing.T, q Quota, stores ...*Store) {
	var clients []ClientID
	for n := range 4 {
		clients = append(clients, register(t, stores[0], fmt.Sprint("client ", n)))
	}
	var done sync.WaitGroup
	for worker := range 16 {
		luck := rand.New(rand.NewPCG(1, uint64(worker)))
		s := stores[worker%len(stores)]
		done.Go(func() {
			for range 40 {
				if err := uploadOrNot(s, clients[luck.IntN(4)], fmt.Sprint("file ", luck.IntN(15)), luck); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
	s := stores[0]
	if all := storedUsage(t, s); all.Bytes > q.TotalBytes || all.Files > q.TotalFiles || all.Bytes < q.TotalBytes/2 {
		t.Errorf("%+v is stored, the quota is %+v", all, q)
	}
	for client, err := range s.Clients(t.Context()) {
		if err != nil || client.Bytes > q.ClientBytes || client.Files > q.ClientFiles {
			t.Errorf("client %+v, %v; the quota is %+v", client, err, q)
		}
	}
	c := &checker{Store: s}
	if err := c.usage(t.Context()); err != nil || len(c.report.Findings) > 0 {
		t.Errorf("check: %+v, %v", c.report.Findings, err)
	}
}

// uploadOrNot uploads something, and verifies it mostly. A quota may refuse it.
func uploadOrNot(s *Store, id ClientID, name string, luck *rand.Rand) error {
	ctx := context.Background()
	content := strings.Repeat("x", luck.IntN(60))
	u, err := s.Begin(ctx, id, name, int64(len(content)))
	if refusal := (*QuotaError)(nil); errors.As(err, &refusal) {
		return nil
	}
	if err == nil {
		_, err = u.Write([]byte(content))
	}
	if err == nil {
		err = u.Received(ctx, Sums{})
	}
	if err == nil && luck.IntN(4) > 0 {
		err = u.Verify(ctx)
	}
	return errors.Join(err, u.Discard(ctx))
}
