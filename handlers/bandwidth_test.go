package handlers

import (
	"testing"
	"time"
)

func TestTake(t *testing.T) {
	c, now := new(client), time.Unix(1000, 0)
	steps := []struct {
		after time.Duration
		n     int
		pause time.Duration
	}{
		{0, 1000, 0}, // a second's worth ahead
		{0, 100, 100 * time.Millisecond},
		{0, 100, 200 * time.Millisecond}, // another connection of the client
		{200 * time.Millisecond, 0, 0},
		{500 * time.Millisecond, 600, 100 * time.Millisecond},
		{time.Hour, 1500, 500 * time.Millisecond},
	}
	for i, s := range steps {
		now = now.Add(s.after)
		if pause := c.take(s.n, 1000, now); pause != s.pause {
			t.Errorf("step %d: pause %v, want %v", i, pause, s.pause)
		}
	}
	if pause := c.take(1<<40, 0, now); pause != 0 {
		t.Errorf("without a limit: %v", pause)
	}
}
