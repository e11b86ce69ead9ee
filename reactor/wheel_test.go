package reactor

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestWheelAgainstModel holds the wheel against a map from connection to due
// tick, under any sequence of its operations and of time.
func TestWheelAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		begin := time.Now()
		now := begin
		var w wheel
		w.init(begin)
		model := make(map[*conn]int64) // tick at which it is looked at, at the earliest
		done := int64(0)
		tick := func(at time.Time) int64 {
			d := at.Sub(begin)
			return max(int64(d/wheelTick)+min(int64(d%wheelTick), 1), done+1)
		}
		soon := rapid.Custom(func(t *rapid.T) time.Time {
			return now.Add(time.Duration(rapid.Int64Range(-int64(time.Second), int64(40*time.Second)).Draw(t, "in")))
		})
		pick := func(t *rapid.T) *conn {
			if len(model) == 0 {
				t.Skip("empty")
			}
			all := slices.SortedFunc(maps.Keys(model), func(a, b *conn) int { return int(a.id) - int(b.id) })
			return rapid.SampledFrom(all).Draw(t, "connection")
		}
		id := uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				id++
				c, at := &conn{id: id}, soon.Draw(t, "at")
				w.add(c, at)
				model[c] = tick(at)
			},
			"advance": func(t *rapid.T) {
				c, at := pick(t), soon.Draw(t, "at")
				w.advance(c, at)
				model[c] = min(model[c], tick(at))
			},
			"remove": func(t *rapid.T) {
				c := pick(t)
				w.remove(c)
				w.remove(c)
				delete(model, c)
			},
			"turn": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(30*time.Second)).Draw(t, "passes")))
				last := int64(now.Sub(begin) / wheelTick)
				due := make(map[*conn]bool)
				for c, at := range model {
					if at <= last {
						due[c] = true
					}
				}
				w.turn(now, func(c *conn) {
					if !due[c] {
						t.Fatalf("connection %d is looked at twice, or not yet due", c.id)
					}
					delete(due, c)
					if c.id%2 == 0 {
						delete(model, c)
						return
					}
					later := now.Add(time.Duration(c.id) * time.Second)
					model[c] = max(int64((later.Sub(begin)+wheelTick-1)/wheelTick), last+1)
					w.add(c, later)
				})
				if len(due) > 0 {
					t.Fatalf("%d connections that are due were not looked at", len(due))
				}
				done = last
			},
			"": func(t *rapid.T) {
				seen := 0
				w.each(func(c *conn) {
					if _, in := model[c]; !in {
						t.Fatalf("connection %d is in the wheel and should not be", c.id)
					}
					seen++
				})
				if seen != len(model) {
					t.Fatalf("%d connections are in the wheel, want %d", seen, len(model))
				}
			},
		})
	})
}
