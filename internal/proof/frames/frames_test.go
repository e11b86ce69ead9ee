package main

import (
	"strings"
	"testing"
)

// TestFrames is the short form of the proof.
func TestFrames(t *testing.T) {
	var said strings.Builder
	if err := prove(t.Context(), settings{Frames: 300_000, Workers: 2, Seed: 2026}, &said); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	t.Log(said.String())
}

// TestMutationsReachEverything: a proof that only ever saw sound frames, or only
// ever lost framing, would prove little.
func TestMutationsReachEverything(t *testing.T) {
	k := newWorker(1, 0, 20_000)
	if err := k.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := k.counts
	for what, n := range map[string]int64{"requests": c.requests, "refused": c.refused, "lost": c.lost, "seed": c.seed, "responses": c.responses} {
		if n < c.frames/100 {
			t.Errorf("%s: %d of %d frames", what, n, c.frames)
		}
	}
}
