package bench

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestScenariosSendTheirRequests(t *testing.T) {
	testKeys()
	for scenario, want := range map[string]struct {
		codes []uint16
		dials int
	}{
		"register":     {[]uint16{1100}, 1},
		"key-exchange": {[]uint16{1100, 1101}, 1},
		"one-file":     {[]uint16{1100, 1101, 1103, 1104}, 1},
		"many-files":   {[]uint16{1100, 1101, 1103, 1104, 1103, 1104, 1103, 1104}, 1},
		"reconnect":    {[]uint16{1100, 1101, 1103, 1104}, 4},
		"idle-crowd":   {[]uint16{1100, 1101, 1103, 1104}, 1},
		"slow-sender":  {[]uint16{1100, 1101, 1103, 1104}, 1},
		"crc-retry":    {[]uint16{1100, 1101, 1103, 1105, 1103, 1104}, 1},
	} {
		for _, precompute := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				server := newScriptedServer()
				server.latency = time.Millisecond
				plan := small()
				plan.Mix, plan.MaxSessions, plan.Precompute = Mix{{scenario, 1}}, 1, precompute
				plan.Idle = 20 * time.Second
				plan.Grace = time.Minute
				r, result := runWith(t, server, plan)
				if !slices.Equal(server.codes, want.codes) || server.dials != want.dials {
					t.Errorf("%s: %v over %d connections, want %v over %d", scenario, server.codes, server.dials, want.codes, want.dials)
				}
				if result.Sessions != 1 || len(result.Failures) > 0 {
					t.Errorf("%s: %d sessions, %v", scenario, result.Sessions, result.Failures)
				}
				if files := int64(len(server.stored)); files > 0 && !verified(t, server, r, result, files) {
					t.Errorf("%s: not all is there", scenario)
				}
				if u := server.uploads; scenario == "crc-retry" && (u[0][0] == u[1][0] || !bytes.Equal(u[0][1:], u[1][1:])) {
					t.Errorf("%s: the first upload was not damaged in its first byte", scenario)
				}
				latency := result.Latencies[Session].Max
				if slow := scenario == "slow-sender"; slow != (latency > time.Second) {
					t.Errorf("%s took %v: 1,313 bytes at 1,000 a second, and idleness does not count", scenario, latency)
				}
			})
		}
	}
	if names := len(scenarios); names != 8 {
		t.Errorf("%d scenarios", names)
	}
}

func verified(t *testing.T, server *scriptedServer, r *Runner, _ *Result, files int64) bool {
	t.Helper()
	v, err := Verify(t.Context(), server, r.Ledger())
	if err != nil {
		t.Fatal(err)
	}
	return v.Proven() && v.Acknowledged == files
}

func TestMixKeepsItsWeights(t *testing.T) {
	testKeys()
	synctest.Test(t, func(t *testing.T) {
		server := newScriptedServer()
		server.latency = time.Millisecond
		plan := small()
		plan.Mix, plan.MaxSessions = Mix{{"register", 3}, {"one-file", 1}}, 400
		plan.Stages[0].Duration = time.Minute
		_, result := runWith(t, server, plan)
		if n := server.count(1104); result.Sessions != 400 || n < 70 || n > 130 {
			t.Errorf("%d of %d sessions sent a file; a quarter should", n, result.Sessions)
		}
	})
}

func TestVerifyFindsWhatIsLost(t *testing.T) {
	testKeys()
	synctest.Test(t, func(t *testing.T) {
		server := newScriptedServer()
		server.latency = time.Millisecond
		plan := small()
		plan.MaxSessions = 5
		r, _ := runWith(t, server, plan)
		keys := slices.Collect(maps.Keys(server.stored))
		delete(server.stored, keys[0])
		server.stored[keys[1]][7]++
		server.stored[keys[2]] = nil
		v, err := Verify(t.Context(), server, r.Ledger())
		if err != nil {
			t.Fatal(err)
		}
		if v.Proven() || v.Acknowledged != 5 || v.Found != 2 || v.Missing != 1 || v.Wrong != 2 || len(v.Examples) != 3 {
			t.Errorf("%+v", v)
		}
		server.doubted = true
		if v, err = Verify(t.Context(), server, r.Ledger()); err != nil || v.Found != 0 || v.Wrong != 4 {
			t.Errorf("rows that are not verified: %+v, %v", v, err)
		}
	})
}

func TestFailuresAreToldApart(t *testing.T) {
	testKeys()
	for name, test := range map[string]struct {
		spoil   func(*scriptedServer)
		request int
		kind    string
	}{
		"refused": {func(s *scriptedServer) {
			s.change = func(code uint16, answer []byte) []byte {
				if code == 1103 {
					return response(2101)
				}
				return answer
			}
		}, 1103, "refused"},
		"closed": {func(s *scriptedServer) {
			s.change = func(code uint16, answer []byte) []byte {
				if code == 1101 {
					return nil
				}
				return answer
			}
		}, 1101, "connection"},
		"a CRC that is wrong": {func(s *scriptedServer) {
			s.change = func(code uint16, answer []byte) []byte {
				if code == 1103 {
					answer[len(answer)-1]++
				}
				return answer
			}
		}, 0, "wrong_crc"},
		"another client's answer": {func(s *scriptedServer) {
			s.change = func(code uint16, answer []byte) []byte {
				if code == 1103 {
					answer[7]++
				}
				return answer
			}
		}, 1103, "protocol"},
		"too slow":  {func(s *scriptedServer) { s.latency = time.Hour }, 1100, "timeout"},
		"not there": {func(s *scriptedServer) { s.refuse = errNoServer }, 0, "unreachable"},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := newScriptedServer()
			test.spoil(server)
			plan := small()
			plan.MaxSessions, plan.Grace = 2, time.Minute
			r, result := runWith(t, server, plan)
			if result.Sessions != 0 || len(result.Failures) != 1 {
				t.Fatalf("%s: %d sessions, %v", name, result.Sessions, result.Failures)
			}
			if f := result.Failures[0]; f.Request != test.request || f.Kind != test.kind || f.Count != 2 || f.Example == "" {
				t.Errorf("%s: %+v", name, f)
			}
			if len(r.Ledger()) > 0 {
				t.Errorf("%s: something was acknowledged", name)
			}
		})
	}
}

// A server that refuses is not asked as fast as it can.
func TestClientsWaitAfterAFailure(t *testing.T) {
	testKeys()
	synctest.Test(t, func(t *testing.T) {
		server := newScriptedServer()
		server.refuse = errNoServer
		if _, result := runWith(t, server, small()); result.Failed != 20 {
			t.Errorf("2 clients failed %d times in a second, want 20", result.Failed)
		}
	})
}

func TestInterruptGivesTheReportSoFar(t *testing.T) {
	testKeys()
	synctest.Test(t, func(t *testing.T) {
		server := newScriptedServer()
		server.latency = 30 * time.Millisecond
		r, err := New(t.Context(), small(), Options{Dial: server.dial, Keys: testKeys()})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		result := r.Run(ctx)
		server.running.Wait()
		if !result.Interrupted || result.Sessions != 8 || result.Unfinished != 2 || result.Measured != 500*time.Millisecond {
			t.Errorf("%d sessions, %d unfinished, in %v, interrupted: %v", result.Sessions, result.Unfinished, result.Measured, result.Interrupted)
		}
		if result.Failed != 0 {
			t.Errorf("what was cut off counts as failed: %v", result.Failures)
		}
	})
}
