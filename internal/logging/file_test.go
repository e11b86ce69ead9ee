package logging

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

func openLog(t *testing.T, r Rotation) (*File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "logs", "server.log")
	f, err := OpenFile(path, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, path
}

func write(t *testing.T, f *File, lines string) {
	t.Helper()
	if _, err := f.Write([]byte(lines)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// backups returns the content of the old files beside path, decompressed, by their names.
func backups(t *testing.T, path string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "server-*"))
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, name := range names {
		raw := strings.NewReader(read(t, name))
		plain := io.Reader(raw)
		switch filepath.Ext(name) {
		case ".gz":
			plain, err = gzip.NewReader(raw)
		case ".zst":
			plain, err = zstd.NewReader(raw)
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(plain)
		if err != nil {
			t.Fatal(err)
		}
		found[filepath.Base(name)] = string(content)
	}
	return found
}

// A file that grew to its size is put aside and compressed, and no line is lost or cut.
func TestRotationBySize(t *testing.T) {
	for compress, suffix := range map[string]string{"none": "-size.log", "gzip": "-size.log.gz", "zstd": "-size.log.zst"} {
		t.Run(compress, func(t *testing.T) {
			f, path := openLog(t, Rotation{Size: 1, Compress: compress})
			first, second := strings.Repeat("a", 600<<10)+"\n", strings.Repeat("b", 600<<10)+"\n"
			write(t, f, first)
			write(t, f, second)
			if err := f.Close(); err != nil { // waits for the compression
				t.Fatal(err)
			}
			old := backups(t, path)
			for name, content := range old {
				if !strings.HasSuffix(name, suffix) || content != first {
					t.Errorf("%s has %d bytes", name, len(content))
				}
			}
			if len(old) != 1 || read(t, path) != second {
				t.Errorf("%d old files", len(old))
			}
		})
	}
}

func TestRotationByTime(t *testing.T) {
	f, path := openLog(t, Rotation{Every: time.Nanosecond, Compress: "none"})
	write(t, f, "first\n")
	write(t, f, "second\n")
	if old := backups(t, path); len(old) == 0 || read(t, path) != "second\n" {
		t.Errorf("old files %v", old)
	}
}

// Of many old files, however fast they came, MaxBackups are kept: also of those named by milliseconds.
func TestOldFilesAreRemoved(t *testing.T) {
	f, path := openLog(t, Rotation{Size: 1, MaxBackups: 2, Compress: "none"})
	old := strings.TrimSuffix(path, ".log") + "-2026-01-02T03-04-05.678-size.log"
	if err := os.WriteFile(old, nil, fileMode); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		write(t, f, strings.Repeat("a", 600<<10)+"\n")
		f.work.Wait() // while the file is opened again, it may grow beyond its size
	}
	if err := f.Close(); err != nil { // waits for the removal
		t.Fatal(err)
	}
	if names := slices.Sorted(maps.Keys(backups(t, path))); len(names) != 2 || slices.Contains(names, filepath.Base(old)) {
		t.Errorf("old files %q, want 2, and not the oldest", names)
	}
}

// Two processes that log to one file, as while one takes over from the other, do not write over each other's lines,
// also after one of them has put the file aside.
func TestFileIsSharedAfterRotation(t *testing.T) {
	f, path := openLog(t, Rotation{Size: 1, Compress: "none"})
	write(t, f, strings.Repeat("a", 600<<10)+"\n")
	write(t, f, strings.Repeat("b", 600<<10)+"\n")
	f.work.Wait()
	other, err := OpenFile(path, Rotation{Compress: "none"})
	if err != nil {
		t.Fatal(err)
	}
	write(t, other, "of the other\n")
	write(t, f, "first\n")
	write(t, other, "of the other again\n")
	write(t, f, "second\n")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	_, tail, _ := strings.Cut(read(t, path), "\n")
	if want := "of the other\nfirst\nof the other again\nsecond\n"; tail != want {
		t.Errorf("%q, want %q", tail, want)
	}
}

// logrotate moves the file away and sends SIGHUP.
func TestReopen(t *testing.T) {
	f, path := openLog(t, Rotation{})
	write(t, f, "first\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, f, "second\n")
	if err := f.Reopen(); err != nil {
		t.Fatal(err)
	}
	write(t, f, "third\n")
	if old, now := read(t, path+".1"), read(t, path); old != "first\nsecond\n" || now != "third\n" {
		t.Errorf("%q, then %q", old, now)
	}
}

// Lines written while the file is opened again are neither lost nor cut.
func TestReopenWhileWriting(t *testing.T) {
	f, path := openLog(t, Rotation{})
	const lines = 500
	done := make(chan error)
	go func() {
		for range lines {
			if _, err := f.Write([]byte("line\n")); err != nil {
				done <- err
				return
			}
		}
		close(done)
	}()
	for range 20 {
		if err := f.Reopen(); err != nil {
			t.Error(err)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != strings.Repeat("line\n", lines) {
		t.Errorf("%d bytes in the file, want %d", len(got), 5*lines)
	}
}

func TestFileThatCannotBeWritten(t *testing.T) {
	if _, err := OpenFile(t.TempDir(), Rotation{}); err == nil {
		t.Error("a folder was opened as a log file")
	}
}

// A server whose log is a file says on standard error why it fails.
func TestAlarm(t *testing.T) {
	var out, alarm bytes.Buffer
	l, _, flush := New(Options{Writer: &out, Alarm: &alarm})
	Log(l, ServerReady)
	Log(l.With(ConnID(7)), ServerPanic)
	flush()
	if lines := strings.Count(alarm.String(), "\n"); lines != 1 || !strings.Contains(alarm.String(), `"conn_id":7`) {
		t.Errorf("standard error has %q", alarm.String())
	}
	if lines := strings.Count(out.String(), "\n"); lines != 2 {
		t.Errorf("the file has %d lines, want 2", lines)
	}
}
