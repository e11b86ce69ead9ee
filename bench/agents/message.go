package agents

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"

	"github.com/sealquay/sealquay/bench"
)

// version is that of the messages.
const version = 1

// largestHello bounds the first message, in bytes: whoever sends it is not
// known yet.
const largestHello = 1 << 20

type hello struct {
	Version int        `json:"version"`
	Token   string     `json:"token"`
	Plan    bench.Plan `json:"plan"`
}

// A command is what the controller says after the hello.
type command string

const (
	start command = "start"
	stop  command = "stop"
)

// A message is what an agent says: one of its fields is set.
type message struct {
	Ready    bool            `json:"ready,omitzero"`
	Error    string          `json:"error,omitzero"`
	Interval *bench.Interval `json:"interval,omitzero"`
	Result   *bench.Result   `json:"result,omitzero"`
	Ledger   bench.Ledger    `json:"ledger,omitzero"` // with the result
}

var (
	errVersion = errors.New("the controller is of another version")
	errToken   = errors.New("the token is wrong")
)

// readHello reads the first message. The decoder that it returns goes on
// behind it.
func readHello(r io.Reader, token string) (hello, *json.Decoder, error) {
	limited := &io.LimitedReader{R: r, N: largestHello}
	d := json.NewDecoder(limited)
	var h hello
	if err := d.Decode(&h); err != nil {
		return h, nil, err
	}
	switch {
	case h.Version != version:
		return h, nil, errVersion
	case subtle.ConstantTimeCompare([]byte(h.Token), []byte(token)) != 1:
		return h, nil, errToken
	}
	return h, d, nil
}
