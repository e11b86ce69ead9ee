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
		{"as approved", []clientLine{{ID: annaText, Name: "anna"}, {ID: bertaText, Name: "berta"}}, 0},
		{"with one that had no answer", []clientLine{{ID: annaText, Name: "anna"}, {ID: bertaText, Name: "berta"}, {ID: "03", Name: "clara"}}, 0},
		{"one is missing", []clientLine{{ID: annaText, Name: "anna"}}, 1},
		{"one has another id", []clientLine{{ID: annaText, Name: "anna"}, {ID: "04", Name: "berta"}}, 1},
		{"a name is there twice", []clientLine{{ID: "04", Name: "anna"}, {ID: annaText, Name: "anna"}, {ID: bertaText, Name: "berta"}}, 1},
		{"an id is there twice", []clientLine{{ID: annaText, Name: "anna"}, {ID: bertaText, Name: "berta"}, {ID: annaText, Name: "clara"}}, 1},
		{"a name of nobody", []clientLine{{ID: annaText, Name: "anna"}, {ID: bertaText, Name: "berta"}, {ID: "05", Name: "dora"}}, 1},
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
	if len(r.compare([]clientLine{{ID: bertaText, Name: "anna"}})) != 1 {
		t.Error("a name approved twice is not noticed")
	}
}
