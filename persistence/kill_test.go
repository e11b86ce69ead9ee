package persistence

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// victimVariable makes the test binary a process that uploads to the data
// directory it names until it is killed.
const victimVariable = "SEALQUAY_TEST_VICTIM"

// beVictim uploads new files and the same files again and again, and prints
// the name and content of each one that is verified.
func beVictim(directory string) {
	ctx := context.Background()
	s, err := Open(ctx, Options{DataDir: directory})
	if err != nil {
		panic(err)
	}
	for worker := range 8 {
		id, err := s.Register(ctx, fmt.Sprintf("worker %d of %d", worker, os.Getpid()))
		if err != nil {
			panic(err)
		}
		go func() {
			for n := 0; ; n++ {
				name, content := fmt.Sprintf("%s-%d", id, n), strings.Repeat("x", n)
				if n%3 == 0 {
					name, content = id.String()+"-same", fmt.Sprintf("%09d", n)
				}
				if err := try(ctx, s, id, name, content); err != nil {
					panic(err)
				}
				// One write each: a line is there whole or not at all.
				fmt.Fprintf(os.Stdout, "%s=%s\n", name, content)
			}
		}()
	}
	select {}
}

// TestKillLosesNothing kills a process that uploads, again and again: what it
// said was verified is there, whole, and nothing else is visible.
func TestKillLosesNothing(t *testing.T) {
	kills := 4
	if long() {
		kills = 300
	}
	directory, promised := t.TempDir(), map[string]string{}
	var slowest time.Duration
	for n := range kills {
		killOne(t, directory, 20+n*37%200, promised)
		start := time.Now()
		s := openTest(t, Options{DataDir: directory})
		slowest = max(slowest, time.Since(start))
		proveAll(t, s, promised)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d names acknowledged, slowest recovery %v", kills, len(promised), slowest)
}

// killOne starts a victim and kills it after so many acknowledgements.
func killOne(t *testing.T, directory string, after int, promised map[string]string) {
	t.Helper()
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), victimVariable+"="+directory)
	victim.Stderr = os.Stderr
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for n := 0; ; n++ {
		if n == after {
			if err := victim.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		name, content, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		promised[name] = content
	}
	_ = victim.Wait() // it says that it was killed
}

func proveAll(t *testing.T, s *Store, promised map[string]string) {
	t.Helper()
	mustAgree(t, s)
	sizes := map[string]int64{}
	for file, err := range s.Files(t.Context(), FileFilter{Verified: true}) {
		if err != nil {
			t.Fatal(err)
		}
		sizes[file.FileName] = file.Size
	}
	for name, content := range promised {
		if size, ok := sizes[name]; !ok || size != int64(len(content)) {
			t.Errorf("%s: acknowledged with %d bytes, now %d, there %v", name, len(content), size, ok)
		}
	}
}
