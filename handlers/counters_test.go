package handlers

import (
	"maps"
	"testing"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// A Snapshot counts each request once, by operation and answer, and each file by
// what became of it; uploads are seen while they are under way.
func TestSnapshot(t *testing.T) {
	s := newTestService(t)
	p := newSpeaker(t, s, "anna")
	p.upload(t, "a", make([]byte, 1000))
	p.verdict(t, codec.CodeValidCRC, "a")
	p.upload(t, "b", make([]byte, 2000))
	p.verdict(t, codec.CodeGiveUp, "b")
	p.verdict(t, codec.CodeValidCRC, "c")

	n := s.Snapshot()
	statuses := map[string]map[uint16]int64{}
	for _, o := range n.Operations {
		maps.DeleteFunc(o.Statuses, func(_ uint16, n int64) bool { return n == 0 })
		statuses[o.Name] = o.Statuses
		total := int64(0)
		for _, c := range o.Statuses {
			total += c
		}
		if o.Duration.Count() != total || o.QueueWait.Count() != total {
			t.Errorf("%s: %d requests, %d durations, %d waits", o.Name, total, o.Duration.Count(), o.QueueWait.Count())
		}
	}
	for op, want := range map[string]map[uint16]int64{
		"registration": {2100: 1}, "public_key": {2102: 1}, "encrypted_file": {2103: 2},
		"valid_crc": {2104: 1, 2101: 1}, "give_up": {2104: 1}, "invalid_crc": {}, "unknown": {},
	} {
		if !maps.Equal(statuses[op], want) {
			t.Errorf("%s: %v, want %v", op, statuses[op], want)
		}
	}
	if n.Refusals[logging.NothingReceived] != 1 {
		t.Errorf("refusals: %v", n.Refusals)
	}
	if n.Received != 2 || n.Verified != 1 || n.Rejected != 1 || n.Discarded != 1 || n.Content != 3000 || n.StoredBytes != 1000 || n.Waiting != 0 || n.Clients != 1 {
		t.Errorf("%+v", n)
	}
	if top := s.TopClients(5); len(top) != 1 || top[0].Key != p.id || top[0].Rate <= 0 {
		t.Errorf("top clients: %v", top)
	}
}

func TestUploadsUnderWayAreListed(t *testing.T) {
	s := newTestService(t)
	var speakers []*speaker
	for _, name := range []string{"anna", "bert", "carl"} {
		p := newSpeaker(t, s, name)
		head := codec.AppendRequest(nil, codec.Documented, p.id,
			codec.EncryptedFile{ClientID: p.id, ContentSize: 32 << 10, FileName: []byte(name + ".bin")})
		_, event, err := p.decoder.Next(head)
		if err != nil {
			t.Fatal(err)
		}
		p.Request(t.Context(), Request{Frame: event.Frame, Arrived: time.Now()})
		speakers = append(speakers, p)
	}
	speakers[1].Content(t.Context(), make([]byte, 16<<10))
	under := s.Uploads(10)
	if len(under) != 3 || under[0].FileName != "anna.bin" || under[1].FileName != "bert.bin" ||
		under[1].Client != speakers[1].id || under[1].Size != 32<<10 || under[1].Received != 16<<10 || under[1].Began.IsZero() {
		t.Errorf("%+v", under)
	}
	if len(s.Uploads(2)) != 2 {
		t.Error("more are listed than were asked for")
	}
	for i, left := range []int{1, 0, 2} { // the middle, the head, the tail
		speakers[left].Close()
		if got := len(s.Uploads(10)); got != 2-i {
			t.Errorf("%d uploads are left, want %d", got, 2-i)
		}
	}
}
