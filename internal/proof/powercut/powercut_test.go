package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	workIfAsked()
	os.Exit(m.Run())
}

// TestPowerCut is the short form of the proof, mutants included.
func TestPowerCut(t *testing.T) {
	if testing.Short() {
		t.Skip("mounts file systems for half a minute")
	}
	if err := unsupported(); err != nil {
		t.Skip("this machine cannot mount a device of its own:", err)
	}
	cuts, mutantCuts := 12, 60
	if raced {
		cuts, mutantCuts = 4, 0 // what is proved without it does not depend on it
	}
	if err := proveIn(t.Context(), settings{Cuts: cuts, Writers: 8, Seed: 1}, mutantCuts, t.Output()); err != nil {
		t.Error(err)
	}
}

// TestDeviceKeepsWhatWasFlushed holds the device against a model: after the
// power fails each sector has what was flushed last, or something written since.
func TestDeviceKeepsWhatWasFlushed(t *testing.T) {
	const sectors = 8
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 0))
		d := newDevice(make([]byte, sectors*sectorSize))
		life, _ := d.start(0)
		allowed := make([][]byte, sectors) // by sector, the flushed one first
		for i := range allowed {
			allowed[i] = []byte{0}
		}
		for mark := byte(1); mark < 40; mark++ {
			if random.IntN(6) == 0 {
				if err := d.flush(life); err != nil {
					t.Fatal(err)
				}
				for i, marks := range allowed {
					allowed[i] = marks[len(marks)-1:]
				}
			}
			first := random.IntN(sectors)
			n := 1 + random.IntN(sectors-first)
			if err := d.writeAt(life, bytes.Repeat([]byte{mark}, n*sectorSize), int64(first*sectorSize)); err != nil {
				t.Fatal(err)
			}
			for i := first; i < first+n; i++ {
				allowed[i] = append(allowed[i], mark)
			}
		}
		d.stop()
		d.lose(random)
		if !bytes.Equal(d.current, d.stable) {
			t.Fatalf("seed %d: what is read is not what is stable", seed)
		}
		for i, marks := range allowed {
			sector := d.stable[i*sectorSize:][:sectorSize]
			if bytes.IndexByte(marks, sector[0]) < 0 || len(bytes.Trim(sector, string(sector[:1]))) > 0 {
				t.Fatalf("seed %d, sector %d: %d, allowed %v", seed, i, sector[0], marks)
			}
		}
	}
}

func TestDeviceWithoutPowerFails(t *testing.T) {
	d := newDevice(make([]byte, sectorSize))
	before, _ := d.start(2)
	block := make([]byte, sectorSize)
	if err := d.writeAt(before, block, 0); err != nil {
		t.Fatal(err)
	}
	if d.flush(before) == nil || d.writeAt(before, block, 0) == nil {
		t.Error("the second operation, or a later one, has power")
	}
	if len(d.cached) != 1 {
		t.Error("a flush without power flushes")
	}
	now, _ := d.start(0)
	if d.flush(before) == nil {
		t.Error("a handle of an earlier life works")
	}
	if err := d.flush(now); err != nil {
		t.Error(err)
	}
}
