package main

import (
	"fmt"

	"github.com/sealquay/sealquay/codec"
)

// A heard is what the decoder of responses said of a stream, written back.
type heard struct {
	responses int64
	dialect   codec.Dialect
	written   []byte
}

// readResponses gives a stream to a new decoder, as a client does, and writes
// what it says behind dst.
func readResponses(dst, stream []byte, cuts []int) (heard, error) {
	h := heard{written: dst}
	var d codec.ResponseDecoder
	ended := false
	err := pieces(stream, cuts, func(p []byte) error {
		for len(p) > 0 && !ended {
			n, r, err := d.Next(p)
			switch {
			case err != nil:
				ended = true // the server is none of ours: the client gives up
				return nil
			case n < 1 || n > len(p):
				return fmt.Errorf("%d bytes of %d were taken", n, len(p))
			case r != nil:
				h.responses++
				h.written = codec.AppendResponse(h.written, d.Dialect(), r)
			}
			p = p[n:]
		}
		return nil
	})
	h.dialect = d.Dialect()
	return h, err
}
