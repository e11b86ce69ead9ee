package main

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sealquay/sealquay/bench"
)

func TestBenchScreenShowsTheRun(t *testing.T) {
	interrupted := false
	p := &bench.Plan{Model: bench.Open, Target: "127.0.0.1:9", Clients: 3, Warmup: time.Second,
		Stages: bench.Stages{{Duration: 10 * time.Second, From: 50, To: 50}}}
	var m tea.Model = benchModel{plan: p, interrupt: func() { interrupted = true }, sum: hdrhistogram.New(1000, int64(time.Hour), 3), width: 80}
	m, _ = m.Update(tea.WindowSizeMsg{Width: 100, Height: 30})
	for second := range 5 {
		h := hdrhistogram.New(1000, int64(time.Hour), 3)
		if err := h.RecordValue(int64(3 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		m, _ = m.Update(benchSecond{bench.Interval{End: time.Duration(second+1) * time.Second, Length: time.Second,
			Active: 2, Sessions: int64(10 * second), Files: 7, Failed: 1}, h})
	}
	view := m.View().Content
	for _, want := range []string{"open model against 127.0.0.1:9", "5s of 10s, measuring", "sessions/s 40", "▁▂▄▆█", "< 4.10 ms", "▇ 5", "100 sessions, 35 files", "5 failed"} {
		if !strings.Contains(view, want) {
			t.Errorf("there is no %q in\n%s", want, view)
		}
	}
	m, _ = m.Update(tea.KeyPressMsg{Code: 'q', Text: "q"})
	if !interrupted || !strings.Contains(m.View().Content, "stopping") {
		t.Error("q does not stop it")
	}
	if m, _ = m.Update(benchEnd{}); m.View().Content != "" {
		t.Error("something is left on the terminal")
	}
}
