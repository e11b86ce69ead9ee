package reactor

import (
	"context"
	"strings"
	"testing"
)

// TestResponds blocks one of two loops, and lets it go on.
func TestResponds(t *testing.T) {
	s := start(t, script{}, func(c *Config) { c.EventLoops = 2 })
	if err := s.Responds(t.Context()); err != nil {
		t.Fatal(err)
	}
	stuck, resume := make(chan struct{}), make(chan struct{})
	for _, l := range s.loops {
		l.run(func() { close(stuck); <-resume })
		break
	}
	<-stuck
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Responds(ctx); err == nil || !strings.Contains(err.Error(), "of 2 event loops do not respond") {
		t.Errorf("with a blocked loop: %v", err)
	}
	close(resume)
	if err := s.Responds(t.Context()); err != nil {
		t.Error(err)
	}
}
