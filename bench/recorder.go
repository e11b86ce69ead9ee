package bench

import (
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sealquay/sealquay/codec"
)

// An Operation is something whose latency is measured.
type Operation string

// The operations. The requests are named by their codes.
const (
	Connect      Operation = "connect"
	Registration Operation = "1100"
	PublicKey    Operation = "1101"
	Upload       Operation = "1103"
	ValidCRC     Operation = "1104"
	InvalidCRC   Operation = "1105"
	// Session is a whole session that succeeded, from when it was due.
	Session Operation = "session"
	// Uncorrected is the same from when it began. It differs in the open model only.
	Uncorrected Operation = "session_uncorrected"
	// Wait is how late a session began, in the open model.
	Wait Operation = "wait"
)

// Operations is all of them, in the order of a session.
var Operations = []Operation{Connect, Registration, PublicKey, Upload, InvalidCRC, ValidCRC, Session, Uncorrected, Wait}

func operationOf(code codec.Code) Operation {
	switch code {
	case codec.CodeRegistration:
		return Registration
	case codec.CodePublicKey:
		return PublicKey
	case codec.CodeEncryptedFile:
		return Upload
	case codec.CodeInvalidCRC:
		return InvalidCRC
	}
	return ValidCRC
}

// Latencies are kept in nanoseconds, from 1 µs to an hour, with three digits.
const (
	lowest  = int64(time.Microsecond)
	highest = int64(time.Hour)
	digits  = 3
)

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(lowest, highest, digits) }

func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(int64(d), 0), highest)) // it is in the range
}

// counts is what happened, as numbers.
type counts struct {
	sessions, failed, dropped, unfinished, files, bytes int64
}

func (c *counts) add(o counts) {
	c.sessions += o.sessions
	c.failed += o.failed
	c.dropped += o.dropped
	c.unfinished += o.unfinished
	c.files += o.files
	c.bytes += o.bytes
}

// A shard is where some of the virtual clients record. Several of them keep the
// lock free; one for each client would take gigabytes.
type shard struct {
	mu        sync.Mutex
	latencies map[Operation]*hdrhistogram.Histogram
	measured  counts // of sessions that were due in the measured time
	failures  failures

	// Of the interval under way, warm-up included.
	interval  counts
	histogram *hdrhistogram.Histogram // Session

	files []file // acknowledged, if they are to be remembered
}

func (s *shard) latency(o Operation, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.measure(o, d)
}

func (s *shard) measure(o Operation, d time.Duration) {
	h := s.latencies[o]
	if h == nil {
		h = newHistogram()
		s.latencies[o] = h
	}
	record(h, d)
}

func (s *shard) acknowledged(f file, remember bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interval.files++
	s.interval.bytes += f.size
	if remember {
		s.files = append(s.files, f)
	}
}

// A sessionTime is the course of one session.
type sessionTime struct {
	due, began, ended time.Time
	rested            time.Duration
	open              bool
}

// succeeded records a session.
func (s *shard) succeeded(t sessionTime, measured bool) {
	latency := t.ended.Sub(t.due) - t.rested
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interval.sessions++
	record(s.histogram, latency)
	if !measured {
		return
	}
	s.measured.sessions++
	s.measure(Session, latency)
	if t.open {
		s.measure(Uncorrected, t.ended.Sub(t.began)-t.rested)
		s.measure(Wait, t.began.Sub(t.due))
	}
}

// failed records a session that did not succeed.
func (s *shard) failed(err error, measured bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interval.failed++
	if measured {
		s.measured.failed++
		s.failures.add(err)
	}
}

// count adds to the numbers of the interval and, if they are measured, of the run.
func (s *shard) count(c counts, measured bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interval.add(c)
	if measured {
		s.measured.add(c)
	}
}

// A recorder is the shards of a run.
type recorder struct{ shards []*shard }

func newRecorder() *recorder {
	r := &recorder{shards: make([]*shard, 2*runtime.GOMAXPROCS(0))}
	for i := range r.shards {
		r.shards[i] = &shard{latencies: map[Operation]*hdrhistogram.Histogram{}, failures: failures{}, histogram: newHistogram()}
	}
	return r
}

// takeInterval ends the interval: it returns what happened in it, with the
// sessions' latencies added to h.
func (r *recorder) takeInterval(h *hdrhistogram.Histogram) (total counts) {
	for _, s := range r.shards {
		s.mu.Lock()
		total.add(s.interval)
		s.interval = counts{}
		h.Merge(s.histogram)
		s.histogram.Reset()
		s.mu.Unlock()
	}
	return total
}

// totals merges all shards.
func (r *recorder) totals() (latencies map[Operation]*hdrhistogram.Histogram, measured counts, failed failures) {
	latencies, failed = map[Operation]*hdrhistogram.Histogram{}, failures{}
	for _, s := range r.shards {
		s.mu.Lock()
		for o, h := range s.latencies {
			if latencies[o] == nil {
				latencies[o] = newHistogram()
			}
			latencies[o].Merge(h)
		}
		measured.add(s.measured)
		failed.merge(s.failures)
		s.mu.Unlock()
	}
	return latencies, measured, failed
}

// files returns all that was acknowledged and remembered.
func (r *recorder) files() (all []file) {
	for _, s := range r.shards {
		s.mu.Lock()
		all = append(all, s.files...)
		s.mu.Unlock()
	}
	return all
}
