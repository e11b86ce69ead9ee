package persistence

import (
	"os"
	"testing"
)

func TestCloseLeavesNoDescriptorOpen(t *testing.T) {
	directory := fastDir(t)
	open := func() int {
		s := openTest(t, Options{DataDir: directory})
		id := register(t, s, t.Name())
		if err := receive(t, s, id, "a.txt", []byte("content")).Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
		if onlyFile(t, s).FileName != "a.txt" {
			t.Error("the file is not listed")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("descriptors cannot be counted here:", err)
		}
		return len(entries)
	}
	first := open()
	if err := os.RemoveAll(directory); err != nil {
		t.Fatal(err)
	}
	if second := open(); second > first {
		t.Errorf("%d descriptors open after the second time, %d after the first", second, first)
	}
}
