package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sealquay/sealquay/bench"
	"github.com/sealquay/sealquay/bench/report"
)

// A benchScreen shows a run on a terminal.
type benchScreen struct {
	program *tea.Program
	done    chan struct{}
}

type (
	benchSecond struct {
		interval  bench.Interval
		histogram *hdrhistogram.Histogram
	}
	benchEnd struct{}
)

func newBenchScreen(to io.Writer, p *bench.Plan, interrupt func()) *benchScreen {
	s := &benchScreen{done: make(chan struct{})}
	model := benchModel{plan: p, interrupt: interrupt, sum: hdrhistogram.New(1000, int64(time.Hour), 3), width: 80}
	s.program = tea.NewProgram(model, tea.WithOutput(to), tea.WithoutSignalHandler())
	go func() {
		defer close(s.done)
		_, _ = s.program.Run() // without a screen the run goes on
	}()
	return s
}

func (s *benchScreen) interval(i bench.Interval, h *hdrhistogram.Histogram) {
	s.program.Send(benchSecond{i, h})
}

func (s *benchScreen) end() {
	s.program.Send(benchEnd{})
	<-s.done
}

// A benchModel is what the screen shows. Counts are of the whole run, warm-up
// included.
type benchModel struct {
	plan      *bench.Plan
	interrupt func()
	width     int
	stopping  bool
	ended     bool
	last      bench.Interval
	rates     []float64 // sessions per second, of each second so far
	sum       *hdrhistogram.Histogram
	sessions  int64
	failed    int64
	dropped   int64
	files     int64
	bytes     int64
}

// Init is a part of tea.Model.
func (m benchModel) Init() tea.Cmd { return nil }

// Update is a part of tea.Model.
func (m benchModel) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch message := message.(type) {
	case tea.WindowSizeMsg:
		m.width = message.Width
	case tea.KeyPressMsg:
		if key := message.String(); key == "ctrl+c" || key == "q" {
			m.stopping = true
			m.interrupt()
		}
	case benchSecond:
		m = m.add(message.interval, message.histogram)
	case benchEnd:
		m.ended = true
		return m, tea.Quit
	}
	return m, nil
}

func (m benchModel) add(i bench.Interval, h *hdrhistogram.Histogram) benchModel {
	m.last = i
	m.rates = append(m.rates, float64(i.Sessions)/max(i.Length.Seconds(), 0.001))
	m.sum.Merge(h)
	m.sessions += i.Sessions
	m.failed += i.Failed
	m.dropped += i.Dropped
	m.files += i.Files
	m.bytes += i.Bytes
	return m
}

var (
	screenTitle = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Color("12"))
	screenDim   = lipgloss.NewStyle().Faint(true)
	screenGood  = lipgloss.NewStyle().Foreground(lipgloss.Color("10"))
	screenBad   = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Color("9"))
)

// View is a part of tea.Model. Nothing is left on the terminal at the end: the
// table follows.
func (m benchModel) View() tea.View {
	if m.ended {
		return tea.NewView("")
	}
	lines := []string{
		screenTitle.Render("sealquay bench") + "  " + string(m.plan.Model) + " model against " + m.plan.Target,
		screenDim.Render(report.Load(m.plan)),
		m.progress(),
		"",
		m.now(),
		"sessions/s  " + screenGood.Render(sparkline(m.rates, m.width-30)),
		"",
	}
	lines = append(lines, m.histogram()...)
	lines = append(lines, "", m.total(), screenDim.Render(m.hint()))
	return tea.NewView(lipgloss.NewStyle().MaxWidth(m.width).Render(strings.Join(lines, "\n")))
}

func (m benchModel) progress() string {
	length := m.plan.Stages.Duration()
	width := max(min(m.width-30, 60), 10)
	full := min(int(float64(width)*m.last.End.Seconds()/length.Seconds()), width)
	phase := "measuring"
	switch {
	case m.last.End < m.plan.Warmup:
		phase = "warming up"
	case m.last.End >= length:
		phase = "finishing"
	}
	return fmt.Sprintf("%s%s %v of %v, %s", strings.Repeat("█", full), strings.Repeat("░", width-full), m.last.End.Round(time.Second), length, phase)
}

func (m benchModel) now() string {
	i, seconds := m.last, max(m.last.Length.Seconds(), 0.001)
	text := fmt.Sprintf("active %d   sessions/s %.0f   files/s %.0f   MiB/s %.1f   p50 %s   p99 %s", i.Active,
		float64(i.Sessions)/seconds, float64(i.Files)/seconds, float64(i.Bytes)/(1<<20)/seconds,
		report.Duration(i.Latency.P50), report.Duration(i.Latency.P99))
	if i.ServerCPU > 0 {
		text += fmt.Sprintf("   server %.2f processors, %s", i.ServerCPU.Seconds()/seconds, report.Bytes(i.ServerRSS))
	}
	return text
}

func (m benchModel) total() string {
	text := fmt.Sprintf("%d sessions, %d files, %s", m.sessions, m.files, report.Bytes(m.bytes))
	bad := fmt.Sprintf("   %d failed, %d dropped", m.failed, m.dropped)
	if m.failed+m.dropped > 0 {
		return text + screenBad.Render(bad)
	}
	return text + bad
}

func (m benchModel) hint() string {
	if m.stopping {
		return "stopping: the report so far follows"
	}
	return "q or Ctrl-C: stop and report"
}

// histogram draws the latencies of all sessions, by powers of two.
func (m benchModel) histogram() []string {
	bars := report.Bars(m.sum)
	most := int64(1)
	for _, b := range bars {
		most = max(most, b.Count)
	}
	var lines []string
	for _, b := range bars {
		width := int(float64(max(m.width-40, 10)) * float64(b.Count) / float64(most))
		lines = append(lines, fmt.Sprintf("%10s  %s %d", "< "+report.Duration(b.Below), strings.Repeat("▇", width), b.Count))
	}
	return lines
}

// sparkline draws the last values, as many as fit.
func sparkline(values []float64, width int) string {
	values = values[max(0, len(values)-max(width, 1)):]
	peak := 0.0
	for _, v := range values {
		peak = max(peak, v)
	}
	steps := []rune("▁▂▃▄▅▆▇█")
	var line strings.Builder
	for _, v := range values {
		step := 0
		if peak > 0 {
			step = int(v / peak * float64(len(steps)-1))
		}
		line.WriteRune(steps[step])
	}
	return line.String()
}
