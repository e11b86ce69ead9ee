package main

import (
	"fmt"
	"io"
	"time"
)

// counts are what a worker tried and what came of it. They show that the
// mutations reach everything.
type counts struct {
	frames    int64 // that were mutated and sent
	bytes     int64
	requests  int64 // that were framed
	refused   int64
	lost      int64 // streams whose framing was lost
	seed      int64 // streams in the seed's dialect
	responses int64
}

func (c *counts) add(o counts) {
	c.frames += o.frames
	c.bytes += o.bytes
	c.requests += o.requests
	c.refused += o.refused
	c.lost += o.lost
	c.seed += o.seed
	c.responses += o.responses
}

func (c *counts) print(w io.Writer, took time.Duration) {
	fmt.Fprintf(w, "frames           %d, %d bytes\n", c.frames, c.bytes)
	fmt.Fprintf(w, "requests framed  %d, refused %d, framing lost %d, streams in the seed's dialect %d\n", c.requests, c.refused, c.lost, c.seed)
	fmt.Fprintf(w, "responses        %d\n", c.responses)
	fmt.Fprintf(w, "took             %v, %.2f million frames a second\n", took.Round(time.Millisecond), float64(c.frames)/took.Seconds()/1e6)
}
