package main

import (
	"context"
	"testing"
	"time"

	"github.com/sealquay/sealquay/codec"
)

// TestKill is the short form of the proof.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and kills servers")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	s := settings{Kills: 24, Clients: 16, Seed: 1, Longest: 400 * time.Millisecond}
	if err := prove(ctx, s, t.Output()); err != nil {
		t.Error(err)
	}
}

func TestRegistrationsCompare(t *testing.T) {
	anna, berta := codec.ClientID{1}, codec.ClientID{2}
	const annaText, bertaText = "01000000000000000000000000000000", "02000000000000000000000000000000"
	tests := []struct {
		name  string
		table []clientLine
		wrong int
	}{
		{"as approved", []clientLine{{annaText, "anna"}, {bertaText, "berta"}}, 0},
		{"with one that had no answer", []clientLine{{annaText, "anna"}, {bertaText, "berta"}, {"03", "clara"}}, 0},
		{"one is missing", []clientLine{{annaText, "anna"}}, 1},
		{"one has another id", []clientLine{{annaText, "anna"}, {"04", "berta"}}, 1},
		{"a name is there twice", []clientLine{{"04", "anna"}, {annaText, "anna"}, {bertaText, "berta"}}, 1},
		{"an id is there twice", []clientLine{{annaText, "anna"}, {bertaText, "berta"}, {annaText, "clara"}}, 1},
		{"a name of nobody", []clientLine{{annaText, "anna"}, {bertaText, "berta"}, {"05", "dora"}}, 1},
	}
	for _, test := range tests {
		r := newRegistrations()
		for _, name := range []string{"anna", "berta", "clara"} {
			r.ask(name)
		}
		r.approve("anna", anna)
		r.approve("berta", berta)
		if wrong := r.compare(test.table); len(wrong) != test.wrong {
			t.Errorf("%s: %q", test.name, wrong)
		}
	}
	r := newRegistrations()
	r.ask("anna")
	r.approve("anna", anna)
	r.approve("anna", berta)
	if len(r.compare([]clientLine{{bertaText, "anna"}})) != 1 {
		t.Error("a name approved twice is not noticed")
	}
}
