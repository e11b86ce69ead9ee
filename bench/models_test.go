package bench

import (
	"testing"
	"testing/synctest"
	"time"
)

// A server that stalls for a second in the middle of ten: the corrected figures
// of the open model show what the arrivals suffered; the uncorrected ones, as a
// closed model has them, hide it.
func TestStallShowsInTheOpenModelOnly(t *testing.T) {
	testKeys()
	stall := func(at time.Duration) time.Duration {
		return max(0, min(6*time.Second-at, time.Second)*btoi(at >= 5*time.Second))
	}
	synctest.Test(t, func(t *testing.T) {
		server := newScriptedServer()
		server.latency, server.stall = time.Millisecond, stall
		plan := small()
		plan.Mix = Mix{{"register", 1}}
		plan.Model, plan.Clients, plan.MaxWait = Open, 4, 5*time.Second
		plan.Stages = Stages{{10 * time.Second, 100, 100}}
		_, result := runWith(t, server, plan)

		corrected, uncorrected := result.Latencies[Session], result.Latencies[Uncorrected]
		if result.Sessions != 1000 || result.Dropped != 0 {
			t.Fatalf("%d sessions, %d dropped", result.Sessions, result.Dropped)
		}
		if corrected.P99 < 800*time.Millisecond || corrected.Max < 990*time.Millisecond {
			t.Errorf("the corrected p99 is %v of at most %v: it hides the stall", corrected.P99, corrected.Max)
		}
		if uncorrected.P99 > 10*time.Millisecond || uncorrected.Max < 990*time.Millisecond {
			t.Errorf("the uncorrected p99 is %v of at most %v: it should hide the stall, for 4 of 1000 were under way", uncorrected.P99, uncorrected.Max)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		server := newScriptedServer()
		server.latency, server.stall = 40*time.Millisecond, stall
		plan := small()
		plan.Mix = Mix{{"register", 1}}
		plan.Stages = Stages{{10 * time.Second, 4, 4}}
		_, result := runWith(t, server, plan)
		if p99 := result.Latencies[Session].P99; p99 > 50*time.Millisecond {
			t.Errorf("the closed model's p99 is %v", p99)
		}
		if len(result.Intervals) < 10 || result.Intervals[5].Sessions > 10 {
			t.Errorf("the second of the stall has %d sessions", result.Intervals[5].Sessions)
		}
	})
}

func btoi(b bool) time.Duration {
	if b {
		return 1
	}
	return 0
}

func TestOpenModelDropsWhatCannotBegin(t *testing.T) {
	testKeys()
	synctest.Test(t, func(t *testing.T) {
		server := newScriptedServer()
		server.latency = 100 * time.Millisecond // 20 sessions/s with 2 clients
		plan := small()
		plan.Mix = Mix{{"register", 1}}
		plan.Model, plan.Clients, plan.MaxWait = Open, 2, 500*time.Millisecond
		plan.Stages = Stages{{10 * time.Second, 50, 50}}
		_, result := runWith(t, server, plan)
		if got := result.Attempts(); got != 500 {
			t.Errorf("%d sessions were due, want 500", got)
		}
		if result.Dropped < 280 || result.Dropped > 300 {
			t.Errorf("%d were dropped, want 500 - 10 s × 20/s - the last half second", result.Dropped)
		}
		if result.Latencies[Wait].Max > 510*time.Millisecond {
			t.Errorf("one waited for %v", result.Latencies[Wait].Max)
		}
	})
}

func TestRampsWarmUpAndThinking(t *testing.T) {
	testKeys()
	synctest.Test(t, func(t *testing.T) {
		server := newScriptedServer()
		server.latency = 100 * time.Millisecond
		plan := small()
		plan.Mix = Mix{{"register", 1}}
		plan.Stages = Stages{{2 * time.Second, 0, 10}, {4 * time.Second, 10, 10}, {2 * time.Second, 10, 0}}
		plan.Warmup, plan.Think = 2*time.Second, 100*time.Millisecond
		_, result := runWith(t, server, plan)
		if result.Measured != 6*time.Second {
			t.Errorf("measured for %v", result.Measured)
		}
		peak := int64(0)
		for _, i := range result.Intervals {
			if i.Measured != (i.End > 2*time.Second && i.End <= 8*time.Second) {
				t.Errorf("the interval to %v: measured %v", i.End, i.Measured)
			}
			peak = max(peak, i.Active)
		}
		if peak > 10 {
			t.Errorf("%d were active", peak)
		}
		// 10 clients do a session of 100 ms and think for as long: 50/s, for 4 s and
		// half as many for 2 s.
		if result.Sessions < 230 || result.Sessions > 260 {
			t.Errorf("%d sessions", result.Sessions)
		}
		if all := server.count(1100); int64(all) <= result.Sessions {
			t.Errorf("%d sessions in all, %d counted: the warm-up should be left out", all, result.Sessions)
		}
	})
}
