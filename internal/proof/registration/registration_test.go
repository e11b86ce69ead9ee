package main

import (
	"context"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// TestRegistration is the short form of the proof.
func TestRegistration(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and kills servers")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := prove(ctx, settings{Kills: 20, Clients: 12, Seed: 1}, t.Output()); err != nil {
		t.Error(err)
	}
}

// TestModel says of histories of one name whether an order explains them. Times
// are those of call and return.
func TestModel(t *testing.T) {
	asked := func(call, ret int64, o operation, a answer) porcupine.Operation {
		return porcupine.Operation{Input: o, Call: call, Output: a, Return: ret}
	}
	ask := operation{kind: register}
	inTable := operation{kind: table}
	anna := answer{yes: true, id: "a"}
	other := answer{yes: true, id: "b"}
	var no answer
	unknown := answer{unknown: true}
	tests := []struct {
		name  string
		all   []porcupine.Operation
		right bool
	}{
		{"given once", []porcupine.Operation{asked(1, 2, ask, anna), asked(3, 4, ask, no)}, true},
		{"refused while it is given", []porcupine.Operation{asked(1, 5, ask, anna), asked(2, 3, ask, no)}, true},
		{"refused before it is given", []porcupine.Operation{asked(1, 2, ask, no), asked(3, 4, ask, anna)}, false},
		{"given twice", []porcupine.Operation{asked(1, 5, ask, anna), asked(2, 4, ask, other)}, false},
		{"gone", []porcupine.Operation{asked(1, 2, ask, anna), asked(3, 4, inTable, no)}, false},
		{"with another id", []porcupine.Operation{asked(1, 2, ask, anna), asked(3, 4, inTable, other)}, false},
		{"looked up", []porcupine.Operation{asked(1, 2, ask, anna), asked(3, 4, operation{lookup, "a"}, answer{yes: true})}, true},
		{"looked up in vain", []porcupine.Operation{asked(1, 2, ask, anna), asked(3, 4, operation{lookup, "a"}, no)}, false},
		{"an unknown end that took it", []porcupine.Operation{asked(1, 2, ask, unknown), asked(3, 4, ask, no), asked(5, 6, inTable, other)}, true},
		{"an unknown end that did not", []porcupine.Operation{asked(1, 2, ask, unknown), asked(3, 4, ask, anna)}, true},
		{"an unknown end that came too late", []porcupine.Operation{asked(1, 2, ask, unknown), asked(3, 4, inTable, no), asked(5, 6, ask, no)}, false},
		{"an unknown end with two ids", []porcupine.Operation{asked(1, 2, ask, unknown), asked(3, 4, inTable, anna), asked(5, 6, inTable, other)}, false},
	}
	for _, test := range tests {
		if got := porcupine.CheckOperations(model(), test.all); got != test.right {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
