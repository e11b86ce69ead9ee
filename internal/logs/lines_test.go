package logs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stamped returns a line that was written so many seconds after the beginning.
func stamped(second int, note string) string {
	at := time.Date(2026, 11, 23, 0, 0, second, 0, time.UTC)
	return fmt.Sprintf(`{"level":"info","ts":"%s","event":"server.ready","msg":"Server is ready","addr":"%s"}`, at.Format("2006-01-02T15:04:05.000000Z"), note)
}

func write(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// packed compresses content by what the name ends in.
func packed(t *testing.T, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch filepath.Ext(name) {
	case ".gz":
		w = gzip.NewWriter(&b)
	case ".zst":
		w, err = zstd.NewWriter(&b)
	default:
		return []byte(content)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// notes reads the addr of each line.
func notes(t *testing.T, o Options) (found []string) {
	t.Helper()
	lines, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for l := lines.Next(); l != nil; l = lines.Next() {
		if !l.Valid() {
			found = append(found, string(l.Raw))
			continue
		}
		found = append(found, string(l.Text("addr")))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if err := lines.Close(); err != nil {
		t.Fatal(err)
	}
	return found
}

// Plain and compressed files are read together in the order of time; lines without a time stay behind those before.
func TestFilesAreMerged(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for name, lines := range map[string][]string{
		"a.log":     {stamped(1, "1"), stamped(4, "4"), "garbage", stamped(8, "8")},
		"b.log.gz":  {stamped(2, "2"), stamped(3, "3"), stamped(9, "9")},
		"c.log.zst": {stamped(0, "0"), stamped(5, "5"), stamped(7, "7")},
		"empty.log": nil,
		"d.log.bin": {stamped(6, "6")}, // by its content, not by its name
	} {
		content := packed(t, name, strings.Join(lines, "\n"))
		files = append(files, write(t, filepath.Join(dir, name), content))
	}
	want := []string{"0", "1", "2", "3", "4", "garbage", "5", "6", "7", "8", "9"}
	if got := notes(t, Options{Files: files}); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestInputIsRead(t *testing.T) {
	for _, ending := range []string{"", "\n", "\r\n"} {
		input := stamped(2, "a") + "\r\n" + stamped(1, "b") + ending
		if got := notes(t, Options{Input: strings.NewReader(input)}); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("ending %q: %v", ending, got)
		}
	}
	if got := notes(t, Options{Input: bytes.NewReader(packed(t, ".gz", stamped(1, "a")))}); !slices.Equal(got, []string{"a"}) {
		t.Errorf("compressed: %v", got)
	}
}

// A line that is longer than the buffer is whole, and one without end is cut.
func TestLongLines(t *testing.T) {
	long := stamped(1, strings.Repeat("x", 3*bufferSize))
	endless := strings.Repeat("y", 2*maxLine)
	got := notes(t, Options{Input: strings.NewReader(long + "\n" + endless + "\n" + stamped(2, "after"))})
	if len(got) != 3 || len(got[0]) != 3*bufferSize || len(got[1]) != maxLine || got[2] != "after" {
		t.Errorf("%d lines", len(got))
	}
}

func TestUnreadableFiles(t *testing.T) {
	if _, err := Open(t.Context(), Options{Files: []string{filepath.Join(t.TempDir(), "none")}}); err == nil {
		t.Error("a file that is not there was opened")
	}
	cut := packed(t, ".gz", stamped(1, "a"))
	lines, err := Open(t.Context(), Options{Input: bytes.NewReader(cut[:len(cut)-9])})
	if err != nil {
		t.Fatal(err)
	}
	for lines.Next() != nil {
	}
	if lines.Err() == nil {
		t.Error("a file that is cut has no error")
	}
}

// follower reads lines that are written step by step: each time all is read, the next step is taken.
func follower(t *testing.T, file string, steps ...func()) []string {
	t.Helper()
	idle := 0
	return notes(t, Options{Files: []string{file}, Wait: func(context.Context) error {
		// Each step is seen within three looks: the new file, the end of the old one, the turn.
		if idle++; idle%4 != 0 {
			return nil
		}
		if len(steps) == 0 {
			return io.EOF
		}
		steps[0]()
		steps = steps[1:]
		return nil
	}})
}

func appendTo(t *testing.T, path, content string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(content); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// A file is followed through half lines, a rotation that writes to the old file once more, and being cut.
func TestFollow(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "server.log"), []byte(stamped(1, "first")+"\n"))
	half := stamped(2, "second")
	got := follower(t, path,
		func() { appendTo(t, path, half[:20]) },
		func() { appendTo(t, path, half[20:]+"\n") },
		func() {
			if err := os.Rename(path, path+".1"); err != nil {
				t.Fatal(err)
			}
			appendTo(t, path+".1", stamped(3, "third")+"\n"+stamped(4, "fourth")) // without a newline
		},
		func() { appendTo(t, path, stamped(5, "fifth")+"\n") },
		func() { appendTo(t, path, stamped(6, "sixth")+"\n") },
		func() { write(t, path, []byte(stamped(7, "7")+"\n")) },
	)
	if want := []string{"first", "second", "third", "fourth", "fifth", "sixth", "7"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFollowEndsWithItsContext(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "server.log"), nil)
	ctx, cancel := context.WithCancel(t.Context())
	lines, err := Open(ctx, Options{Files: []string{path}, Wait: func(ctx context.Context) error { cancel(); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer lines.Close()
	if l := lines.Next(); l != nil || lines.Err() != nil {
		t.Errorf("got %v, %v", l, lines.Err())
	}
}

// Standard input is at its end when it says so, also for who follows.
func TestFollowedInputEnds(t *testing.T) {
	wait := func(context.Context) error { t.Error("it waits for more"); return io.EOF }
	if got := notes(t, Options{Input: strings.NewReader(stamped(1, "a")), Wait: wait}); !slices.Equal(got, []string{"a"}) {
		t.Errorf("got %v", got)
	}
}

func TestRotated(t *testing.T) {
	dir := t.TempDir()
	want := []string{"server-2026-11-23T15-04-05-time.log", "server-2026-11-23T15-04-05.000-size.log.gz", "server-2026-11-23T15-04-05.123456-size_2.log.zst",
		"server.log", "server.log-20261123.gz", "server.log.1", "server.log.2.gz", "server.log.3.zst"}
	for _, name := range append(slices.Clone(want), "server2.log", "server.log.bak", "server-old.log", "other.log.1", "server.logs", "server-2026-11-23T15-04-05.000-size.txt") {
		write(t, filepath.Join(dir, name), nil)
	}
	got, err := Rotated(filepath.Join(dir, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i] = filepath.Base(got[i])
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
