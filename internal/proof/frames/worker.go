package main

import (
	"bytes"
	"context"
	"fmt"
	"runtime/debug"
)

// perStream is how many frames one connection sends at most.
const perStream = 4

// A worker tries streams, one connection each.
type worker struct {
	*mutator
	counts
	left    int64 // frames still to be tried
	cuts    []int // of the stream at hand
	written [2][]byte
}

func newWorker(seed, number uint64, frames int64) *worker {
	return &worker{mutator: newMutator(seed, number), left: frames}
}

// run tries streams until the frames are used up or ctx ends.
func (k *worker) run(ctx context.Context) error {
	for k.left > 0 {
		for range 1024 {
			if err := k.try(); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return nil
		}
	}
	return nil
}

// try sends one stream. A panic is a broken promise like others.
func (k *worker) try() (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
		if err != nil {
			err = fmt.Errorf("stream %x\ncut at %v: %w", k.stream, k.cuts, err)
		}
	}()
	n := 1 + k.random.IntN(perStream)
	k.frames += int64(n)
	k.left -= int64(n)
	if k.random.IntN(4) == 0 {
		return k.tryResponses(n)
	}
	return k.tryRequests(n)
}

func (k *worker) tryRequests(n int) error {
	stream := k.requestStream(n)
	k.bytes += int64(len(stream))
	whole, err := k.readRequests(stream, nil)
	if err != nil {
		return err
	}
	k.cut(len(stream))
	again, err := k.readRequests(stream, k.cuts)
	if err == nil && again != whole {
		err = fmt.Errorf("in pieces it is %+v, at once %+v", again, whole)
	}
	k.requests += whole.requests
	k.refused += whole.refused
	if whole.lost {
		k.lost++
	}
	if whole.seed {
		k.seed++
	}
	return err
}

func (k *worker) tryResponses(n int) error {
	stream := k.responseStream(n)
	k.bytes += int64(len(stream))
	whole, err := readResponses(k.written[0][:0], stream, nil)
	k.written[0] = whole.written
	if err != nil {
		return err
	}
	k.cut(len(stream))
	again, err := readResponses(k.written[1][:0], stream, k.cuts)
	k.written[1] = again.written
	if err == nil && (again.dialect != whole.dialect || again.responses != whole.responses || !bytes.Equal(again.written, whole.written)) {
		err = fmt.Errorf("in pieces it is %x, at once %x", again.written, whole.written)
	}
	k.responses += whole.responses
	return err
}

// cut chooses up to three places at which a stream arrives in pieces.
func (k *worker) cut(length int) {
	k.cuts = k.cuts[:0]
	for at := 0; len(k.cuts) < 3; {
		at += k.random.IntN(headerBytes * 2)
		if at >= length {
			return
		}
		k.cuts = append(k.cuts, at)
	}
}

// pieces calls f with the parts of a stream that is cut at these places.
func pieces(stream []byte, cuts []int, f func([]byte) error) error {
	from := 0
	for _, at := range cuts {
		if err := f(stream[from:at]); err != nil {
			return err
		}
		from = at
	}
	return f(stream[from:])
}
