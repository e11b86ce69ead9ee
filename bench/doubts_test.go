package bench

import (
	"strings"
	"testing"
	"time"
)

func TestDoubtsAreTold(t *testing.T) {
	good := func() *Result {
		r := &Result{Sessions: 1000, Plan: small()}
		r.Environment = Environment{Processors: 4, GOMAXPROCS: 4}
		r.Generator = Generator{CPU: time.Second, Cores: 1, MachineIdle: 0.5}
		return r
	}
	if doubts := good().doubts(); len(doubts) > 0 {
		t.Errorf("a run without fault is doubted: %q", doubts)
	}
	for want, spoil := range map[string]func(*Result){
		"the bottleneck":       func(r *Result) { r.Generator.Cores = 3.6 },
		"took 25 %":            func(r *Result) { r.Generator.MachineIdle = 0.01 },
		"server 50 %":          func(r *Result) { r.Generator.MachineIdle, r.Server = 0, &ServerUse{Cores: 2} },
		"all else 25 %":        func(r *Result) { r.Generator.MachineIdle, r.Server = 0, &ServerUse{Cores: 2} },
		"woke up 15ms late":    func(r *Result) { r.Generator.Lag.P99 = 15 * time.Millisecond },
		"garbage":              func(r *Result) { r.Generator.GCPause = time.Second },
		"7 arrivals":           func(r *Result) { r.Dropped = 7 },
		"8 sessions were cut":  func(r *Result) { r.Unfinished = 8 },
		"No session":           func(r *Result) { r.Sessions, r.Failed = 0, 1 },
		"nothing was measured": func(r *Result) { r.Sessions = 0 },
		"out of ports":         func(r *Result) { r.Failures = []Failure{{Kind: "no_ports", Count: 3}} },
		"out of descriptors":   func(r *Result) { r.Failures = []Failure{{Kind: "no_descriptors", Count: 3}} },
	} {
		r := good()
		spoil(r)
		if doubts := r.doubts(); len(doubts) != 1 || !strings.Contains(doubts[0], want) {
			t.Errorf("%s: %q", want, doubts)
		}
	}
}
