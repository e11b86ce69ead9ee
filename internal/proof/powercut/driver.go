package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/sealquay/sealquay/internal/proof/account"
)

const (
	// logBytes is how long the database's log grows before it begins again
	// from its start: from then on it is overwritten, and its flush does not
	// bring the file system's own journal to the disk by the way.
	logBytes = 2000 * 4096
	// stall is how long a step may take before the proof fails.
	stall = 30 * time.Second
	// cutsOfImage is how many power cuts one file system sees.
	cutsOfImage = 20
)

// settings of a proof.
type settings struct {
	Cuts    int
	Writers int
	Seed    uint64
}

// driver cuts the power of a disk while a worker uses it.
type driver struct {
	settings
	random *rand.Rand
	device *device
	disk   *disk
	empty  []byte // the image of an empty file system
	used   state  // one whose store has a full log
	life   int
}

// state is a file system with what is expected of it.
type state struct {
	image   []byte
	files   *account.Account
	clients map[string]string // approved ids by name
}

func newDriver(dir string, s settings) (_ *driver, err error) {
	d := &driver{settings: s, random: rand.New(rand.NewPCG(s.Seed, 1))}
	if d.empty, err = formatted(dir); err != nil {
		return nil, err
	}
	d.device = newDevice(d.empty)
	if d.disk, err = newDisk(dir, d.device); err != nil {
		return nil, err
	}
	if err := d.fill(); err != nil {
		return nil, errors.Join(fmt.Errorf("fill a store: %w", err), d.close())
	}
	return d, nil
}

func (d *driver) close() error { return d.disk.close() }

func (d *driver) dataDir() string { return filepath.Join(d.disk.at, "data") }

// fill makes the used file system.
func (d *driver) fill() (err error) {
	r := d.newRun(correct, d.fresh())
	d.device.start(0)
	defer d.device.stop()
	if err := d.disk.mount(); err != nil {
		return err
	}
	if err := d.fillLog(r); err != nil {
		d.device.stop()
		return errors.Join(err, d.disk.unmount())
	}
	if err := d.disk.unmount(); err != nil {
		return err
	}
	d.device.settle()
	d.used = state{image: d.device.image(), files: r.files, clients: r.clients}
	return nil
}

// fillLog lets a worker write until the log is full, and kills it: a store that
// is closed has no log.
func (d *driver) fillLog(r *run) error {
	s, err := startWorker(d.order(correct), r.hear)
	if err != nil {
		return err
	}
	defer s.kill()
	select {
	case <-s.opened:
		s.begin()
	case <-s.ended:
		return fmt.Errorf("the worker ended: %s%s", s.why(), s.last.Bytes())
	}
	for range stall / tick {
		select {
		case <-s.failed:
			return fmt.Errorf("the worker: %s", s.why())
		case <-time.After(tick):
		}
		log, err := os.Stat(filepath.Join(d.dataDir(), "sealquay.db-wal"))
		if err == nil && log.Size() > logBytes {
			return nil
		}
	}
	return fmt.Errorf("the log is not full after %v", stall)
}

// tick is how often the log's size is looked at.
const tick = 20 * time.Millisecond

func (d *driver) fresh() state {
	return state{image: d.empty, files: account.New(d.Seed), clients: map[string]string{}}
}

func (d *driver) order(mutant string) order {
	d.life++
	return order{DataDir: d.dataDir(), Seed: d.Seed, Life: d.life, Mutant: mutant, Writers: d.Writers}
}

// prove cuts the power so many times, or until a fault is found or ctx ends.
func (d *driver) prove(ctx context.Context, mutant string, cuts int, progress func(*result)) (*result, error) {
	total := &result{}
	for image := 0; total.cuts < cuts && len(total.faults) == 0; image++ {
		from := d.used
		if image%4 == 3 {
			from = d.fresh()
		}
		r := d.newRun(mutant, from)
		d.device.restore(from.image)
		for range min(cutsOfImage, cuts-total.cuts) {
			if err := r.cut(); err != nil {
				return total, err
			}
			if err := ctx.Err(); err != nil {
				return total, err
			}
			if total.cuts++; len(r.faults) > 0 {
				break
			}
		}
		if len(r.faults) == 0 {
			r.last()
		}
		total.add(r)
		progress(total)
	}
	return total, nil
}
