package main

import (
	"errors"
	"math/rand/v2"
	"sync"
)

const (
	sectorSize = 512
	// blockSize bytes are written whole or not at all when they are a write of
	// their own, or the first of the disk, as on disks with physical sectors of
	// that size: ext4 takes this for granted of its superblock, whose checksum it
	// verifies before it looks into its journal.
	blockSize = 4096
)

// errStopped is the answer of a device without power.
var errStopped = errors.New("the device has no power")

// device is a disk in memory with a write cache: what was not flushed may be
// lost when the power fails. It is safe for concurrent use.
type device struct {
	mu         sync.Mutex
	current    []byte // what is read
	stable     []byte // what surely survives
	cached     []extent
	life       int // from power-on to power-off; requests of an earlier one fail
	stopped    chan struct{}
	operations int // writes and flushes since power-on
	stopAt     int // the operation at which the power fails; 0 is none
}

// extent is a write that is not flushed.
type extent struct {
	at   int64
	data []byte
}

// newDevice makes a device of a size in bytes, a multiple of the sector size,
// that begins with an image. It has no power.
func newDevice(image []byte) *device {
	d := &device{current: make([]byte, len(image)), stable: make([]byte, len(image)), stopped: make(chan struct{})}
	d.restore(image)
	close(d.stopped)
	return d
}

// restore makes image the content of a device without power.
func (d *device) restore(image []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	copy(d.current, image)
	copy(d.stable, image)
	d.cached = nil
}

// image returns a copy of what is stable.
func (d *device) image() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]byte(nil), d.stable...)
}

// start gives the device power, which fails at an operation unless that is 0.
// It returns the number of its life, and a channel that is closed when the
// power has failed.
func (d *device) start(stopAt int) (life int, stopped <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.life++
	d.stopAt, d.operations = stopAt, 0
	d.stopped = make(chan struct{})
	return d.life, d.stopped
}

// arm makes the power fail at an operation from now, or not at all if that is
// 0. It reports whether there is power.
func (d *device) arm(stopAt int) (power bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopAt, d.operations = stopAt, 0
	return !d.off()
}

// settle makes all writes stable.
func (d *device) settle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	copy(d.stable, d.current)
	d.cached = nil
}

// stop takes the power away. From now on every request fails, so that nothing
// that is acknowledged later can rest on what the image does not have.
func (d *device) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.halt()
}

func (d *device) halt() {
	if !d.off() {
		close(d.stopped)
	}
}

func (d *device) off() bool {
	select {
	case <-d.stopped:
		return true
	default:
		return false
	}
}

// serves fails for a request of another life or without power. The lock is held.
func (d *device) serves(life int) error {
	if life != d.life || d.off() {
		return errStopped
	}
	return nil
}

// step counts an operation, and fails when the power does. The lock is held.
func (d *device) step() error {
	d.operations++
	if d.operations == d.stopAt {
		d.halt()
		return errStopped
	}
	return nil
}

func (d *device) readAt(life int, p []byte, at int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.serves(life); err != nil {
		return 0, err
	}
	return copy(p, d.current[min(at, int64(len(d.current))):]), nil
}

// writeAt writes to the cache. The write during which the power fails may have
// reached the disk in part.
func (d *device) writeAt(life int, p []byte, at int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.serves(life); err != nil {
		return err
	}
	if at < 0 || at+int64(len(p)) > int64(len(d.current)) {
		return errors.New("a write behind the end of the device")
	}
	copy(d.current[at:], p)
	d.cached = append(d.cached, extent{at, append([]byte(nil), p...)})
	return d.step()
}

// flush makes all writes stable that were answered before.
func (d *device) flush(life int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.serves(life); err != nil {
		return err
	}
	if err := d.step(); err != nil {
		return err
	}
	for _, e := range d.cached {
		copy(d.stable[e.at:], e.data)
	}
	d.cached = nil
	return nil
}

// lose decides what a device without power keeps of its cache, and forgets the
// rest. It returns how many pieces, of a sector or more, were cached and how many
// of them survived.
func (d *device) lose(random *rand.Rand) (cached, survived int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	keep := luck(random, len(d.cached))
	for i, e := range d.cached {
		for start := 0; start < len(e.data); {
			sector := e.data[start:][:e.whole(start)]
			cached++
			if keep(i, start == 0) {
				copy(d.stable[e.at+int64(start):], sector)
				survived++
			}
			start += len(sector)
		}
	}
	for _, e := range d.cached {
		copy(d.current[e.at:e.at+int64(len(e.data))], d.stable[e.at:])
	}
	d.cached = nil
	return cached, survived
}

// whole returns how many bytes from start on reach the disk together.
func (e extent) whole(start int) int {
	left := len(e.data) - start
	switch {
	case len(e.data) <= blockSize:
		return left
	case e.at+int64(start) < blockSize:
		return min(blockSize-int(e.at)-start, left)
	}
	return min(sectorSize, left)
}

// luck draws one of the ways in which a cache is lost: nothing survives,
// everything, whole writes, single sectors, or all up to some moment. The
// function is asked for each sector of each write, in order.
func luck(random *rand.Rand, writes int) (keep func(write int, first bool) bool) {
	share := random.Float64()
	switch random.IntN(5) {
	case 0:
		return func(int, bool) bool { return false }
	case 1:
		return func(int, bool) bool { return true }
	case 2:
		whole := false
		return func(_ int, first bool) bool {
			if first {
				whole = random.Float64() < share
			}
			return whole
		}
	case 3:
		return func(int, bool) bool { return random.Float64() < share }
	}
	last := random.IntN(writes + 1)
	return func(write int, _ bool) bool { return write < last || write == last && random.IntN(2) == 0 }
}
