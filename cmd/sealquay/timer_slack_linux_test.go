package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// A server that is ready has the slack, and so have the threads that the
// runtime made before any code of ours ran.
func TestServerSleepsCoarsely(t *testing.T) {
	p := startProcess(t, t.TempDir(), nil, "--port", "0").ready()
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		slack, err := os.ReadFile("/proc/" + thread.Name() + "/timerslack_ns")
		if os.IsPermission(err) {
			t.Skip("this user may not see the slack of another process")
		}
		if os.IsNotExist(err) {
			continue // the thread has ended
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, want := strings.TrimSpace(string(slack)), fmt.Sprint(timerSlack); got != want {
			t.Errorf("thread %s has a timer slack of %s ns, want %s", thread.Name(), got, want)
		}
	}
}
