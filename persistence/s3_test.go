package persistence

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/sealquay/sealquay/internal/proof/s3server"
)

// testS3 is one S3 server for all tests of the package; each test has a prefix
// of its own.
var testS3 struct {
	sync.Mutex
	*s3server.Server
	dir string
	err error
}

// startS3 returns the server, which it starts at the first call.
func startS3(t testing.TB) *s3server.Server {
	t.Helper()
	testS3.Lock()
	defer testS3.Unlock()
	if testS3.Server == nil && testS3.err == nil {
		testS3.err = makeS3()
	}
	if errors.Is(testS3.err, s3server.ErrNotInstalled) && os.Getenv("CI") != "true" {
		t.Skip(testS3.err)
	}
	if testS3.err != nil {
		t.Fatal(testS3.err)
	}
	return testS3.Server
}

func makeS3() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": s3server.AccessKey, "AWS_SECRET_ACCESS_KEY": s3server.SecretKey} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	if testS3.dir, err = os.MkdirTemp("/dev/shm", "sealquay-s3-*"); err != nil {
		return err
	}
	testS3.Server, err = s3server.Start(ctx, testS3.dir)
	return err
}

// stopS3 ends the server, if a test has started it.
func stopS3() {
	if testS3.Server != nil {
		testS3.Kill()
	}
	_ = os.RemoveAll(testS3.dir)
}

// testOptions is an empty place on the test server, with the smallest parts.
func testOptions(t testing.TB) S3 {
	server := startS3(t)
	return S3{Endpoint: server.URL(), Bucket: s3server.Bucket, Region: s3server.Region, Prefix: rand.Text(),
		PartSize: leastPart, SpoolDir: t.TempDir()}
}

func mustS3(t testing.TB, options S3) *s3 {
	t.Helper()
	s, err := newS3(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func TestS3Conforms(t *testing.T) {
	for name, memory := range map[string]int64{"in memory": 64 << 20, "spooled": blockSize} {
		t.Run(name, func(t *testing.T) {
			testContents(t, func(t testing.TB) contents {
				options := testOptions(t)
				options.Memory = memory
				return mustS3(t, options)
			})
		})
	}
	t.Run("without a prefix", func(t *testing.T) {
		options := testOptions(t)
		options.Prefix = ""
		key := versionKey(newClientID(), "upload", "name")
		s := mustS3(t, options)
		if err := publish(t, s, key, []byte("content")); err != nil {
			t.Fatal(err)
		}
		if keys(t, s)[key] != 7 {
			t.Errorf("found %v", keys(t, s))
		}
	})
}

func TestSweepGivesUpDraftsThatNoRowExplains(t *testing.T) {
	place := mustS3(t, testOptions(t))
	s := openTest(t, Options{DataDir: fastDir(t)})
	s.content = place
	id := register(t, s, "anna")
	waiting, err := s.Begin(t.Context(), id, "waiting", 0)
	if err != nil {
		t.Fatal(err)
	}
	stray, err := place.create(t.Context(), versionKey(id, "stray", "a.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.Writer{waiting, stray} {
		if _, err := w.Write(largeContent()); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []draft{waiting.draft, stray} { // a part under way may outlive the end of its upload
		if err := d.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	checked, err := s.Check(t.Context(), CheckOptions{})
	if err != nil || len(checked.Findings) != 1 || checked.Findings[0].Problem != ProblemDraft {
		t.Errorf("check: %+v, %v, want one draft", checked.Findings, err)
	}
	report, err := s.Sweep(t.Context())
	if err != nil || len(report.Drafts) != 1 {
		t.Errorf("sweep: %+v, %v, want one draft", report, err)
	}
	mustHaveDrafts(t, place, waiting.key)
	if err := waiting.Discard(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := stray.discard(); err != nil {
		t.Error(err)
	}
	if _, err := s.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	mustHaveDrafts(t, place)
	mustAgree(t, s)
}
