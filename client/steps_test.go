package client

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/sealquay/sealquay/codec"
)

func TestStepsOneByOne(t *testing.T) {
	for _, size := range []int{0, 1000, 300 << 10, 600 << 10} {
		server := newDocumentedServer(t)
		var observed []codec.Code
		s, err := Dial(t.Context(), Options{Server: server.address(), Observe: func(code codec.Code, took time.Duration) {
			if took <= 0 {
				t.Errorf("%v took %v", code, took)
			}
			observed = append(observed, code)
		}})
		if err != nil {
			t.Fatal(err)
		}
		id, err := s.Register(t.Context(), "alice")
		must(t, err)
		must(t, s.ExchangeKey(t.Context(), "alice", testKey(t)))

		right := bytes.Repeat([]byte("right"), size/5)
		wrong := bytes.Repeat([]byte("wrong"), size/5)
		verdict, err := s.Upload(t.Context(), File{Name: "a", Size: int64(len(wrong)), Content: bytes.NewReader(wrong)})
		must(t, err)
		if !verdict.Undamaged() {
			t.Error("an upload came out damaged")
		}
		must(t, s.Reject(t.Context(), "a"))
		sealed, err := s.Seal(bytes.NewReader(right), int64(len(right)))
		must(t, err)
		for range 2 { // a sealed content can be sent again
			verdict, err = s.UploadSealed(t.Context(), "a", sealed)
			must(t, err)
			if !verdict.Undamaged() {
				t.Error("a sealed upload came out damaged")
			}
		}
		must(t, s.Accept(t.Context(), "a"))
		if got := server.stored["a"]; !bytes.Equal(got, right) {
			t.Errorf("the server holds %d bytes, not the %d sent", len(got), len(right))
		}
		must(t, s.Reconnect(t.Context()))
		if !s.Keyed() || s.ID() != id {
			t.Error("the session lost its key or id")
		}
		must(t, s.Accept(t.Context(), "a"))
		must(t, s.Close())
		want := []codec.Code{1100, 1101, 1103, 1105, 1103, 1103, 1104, 1104}
		if !slices.Equal(observed, want) {
			t.Errorf("observed %d, want %d", observed, want)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
