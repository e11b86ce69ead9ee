package main

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"

	"github.com/sealquay/sealquay/codec"
)

// reading is what the decoder of requests said of a stream. The content of a
// request counts by its bytes, however it was cut.
type reading struct {
	requests, refused int64
	seed, lost        bool
	between           bool
	sum               uint64 // over all that was said
}

var (
	hashSeed   = maphash.MakeSeed()
	errStopped = errors.New("framing was lost") // not a fault: what follows is not read
)

// note mixes one thing that was said into the sum.
func (r *reading) note(p []byte, numbers ...uint64) {
	r.sum = r.sum*0x9e3779b97f4a7c15 + maphash.Bytes(hashSeed, p)
	for _, n := range numbers {
		r.sum = (r.sum ^ n) * 0x9e3779b97f4a7c15
	}
}

// readRequests gives a stream to a new decoder, as a server does.
func (k *worker) readRequests(stream []byte, cuts []int) (reading, error) {
	var r reading
	var d codec.Decoder
	var content uint64 // over the content of the request at hand
	var contentBytes uint64
	err := pieces(stream, cuts, func(p []byte) error {
		for len(p) > 0 {
			left := d.ContentLeft()
			n, e, lost := d.Next(p)
			if n < 1 || n > len(p) {
				return fmt.Errorf("%d bytes of %d were taken", n, len(p))
			}
			switch e.Kind {
			case codec.EventContent:
				if int64(len(e.Data)) != int64(n) || left-int64(n) != d.ContentLeft() {
					return fmt.Errorf("%d of %d bytes of content leave %d", n, left, d.ContentLeft())
				}
				for _, b := range e.Data {
					content = (content ^ uint64(b)) * 0x100000001b3
				}
				contentBytes += uint64(n)
			case codec.EventRequest:
				r.requests++
				r.note(e.Frame.Payload, uint64(e.Frame.Header.Code), uint64(e.Frame.Header.PayloadSize), uint64(e.Frame.Content), content, contentBytes)
				if err := k.checkRequest(&d, e.Frame); err != nil {
					return err
				}
			case codec.EventRefused:
				r.refused++
				r.note([]byte(e.Err.Reason), uint64(e.Frame.Header.Code), uint64(e.Frame.Header.PayloadSize))
			}
			if lost != nil {
				r.lost = true
				return errStopped
			}
			p = p[n:]
		}
		return nil
	})
	switch {
	case errors.Is(err, errStopped):
		err = nil
	case err == nil && d.ShortRegistration(): // the grace is over
		e := d.TakeShortRegistration()
		r.requests++
		r.note(e.Frame.Payload)
	}
	r.note(nil, content, contentBytes)
	r.seed, r.between = d.Dialect() == codec.Seed, d.Between()
	return r, err
}

// checkRequest parses a request. What parses is written back, and that parses
// to the same.
func (k *worker) checkRequest(d *codec.Decoder, f codec.Frame) error {
	if len(f.Payload) > codec.MaxPayload || f.Content < 0 || f.Content%16 != 0 || f.Content != d.ContentLeft() {
		return fmt.Errorf("a payload of %d bytes with content of %d, %d left", len(f.Payload), f.Content, d.ContentLeft())
	}
	request, err := parse(f)
	if err != nil {
		return nil // a name without its end is refused by the handler
	}
	k.written[0] = codec.AppendRequest(k.written[0][:0], f.Dialect, f.Header.ClientID, request)
	again, err := parse(codec.Frame{Header: f.Header, Dialect: f.Dialect, Payload: k.written[0][codec.RequestHeaderBytes:]})
	if err != nil {
		return fmt.Errorf("%x is written back as what does not parse: %w", f.Payload, err)
	}
	k.written[1] = codec.AppendRequest(k.written[1][:0], f.Dialect, f.Header.ClientID, again)
	if !bytes.Equal(k.written[0], k.written[1]) {
		return fmt.Errorf("%x is written back as %x and then as %x", f.Payload, k.written[0], k.written[1])
	}
	return nil
}

func parse(f codec.Frame) (codec.Request, error) {
	switch f.Header.Code {
	case codec.CodeRegistration:
		return codec.ParseRegistration(f)
	case codec.CodePublicKey:
		return codec.ParsePublicKey(f)
	case codec.CodeEncryptedFile:
		return codec.ParseEncryptedFile(f)
	}
	return codec.ParseCRCValidation(f)
}
