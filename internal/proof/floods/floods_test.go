package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

// TestFloods is the short form of the proof.
func TestFloods(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and floods a server")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var said strings.Builder
	err := prove(ctx, settings{
		Liars: 200, Registrars: 4, Guessers: 4, Mutes: 200, Leavers: 50, Breakers: 4,
		Honest: 4, Files: 8, Stay: 2 * time.Second,
	}, &said)
	t.Log(said.String())
	if err != nil {
		t.Fatal(err)
	}
}
