package codec

import (
	"slices"
	"testing"
)

// A responseRecording is all that a decoder said of one server's stream.
type responseRecording struct {
	responses []Response
	dialect   Dialect
	complete  bool // it ended between two responses
}

// decodeResponses feeds the pieces to a new decoder, and spoils each piece
// afterwards: whatever still refers to it shows.
func decodeResponses(t testing.TB, pieces ...piece) (recorded responseRecording, err error) {
	t.Helper()
	d := new(ResponseDecoder)
	for _, p := range pieces {
		data := slices.Clone(p.data)
		for rest := data; len(rest) > 0 && err == nil; {
			var n int
			var r Response
			n, r, err = d.Next(rest)
			if n < 1 || n > len(rest) || cap(d.held) > longestResponse {
				t.Fatalf("Next took %d bytes of %d and holds %d", n, len(rest), cap(d.held))
			}
			if r != nil {
				recorded.responses = append(recorded.responses, r)
			}
			rest = rest[n:]
		}
		clear(data)
	}
	if err != nil {
		if n, r, again := d.Next([]byte{1}); n != 0 || r != nil || again != err {
			t.Fatalf("after %v Next returned %d, %v, %v", err, n, r, again)
		}
	}
	recorded.dialect = d.Dialect()
	recorded.complete = err == nil && len(d.held) == 0 && d.skip == 0
	return recorded, err
}
