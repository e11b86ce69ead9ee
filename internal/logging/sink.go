package logging

import (
	"bytes"
	"io"
	"sync/atomic"
)

// sink writes to a writer and keeps its errors to itself: bufio would remember the first one for ever, and so a disk
// that was full for a moment would end the log. Write is called by one goroutine at a time.
type sink struct {
	writer    io.Writer
	failing   bool // the last write lost lines
	midLine   bool // the last write ended within a line
	lost      atomic.Int64
	recovered atomic.Bool // a write worked after one that lost lines
}

// Write writes whole lines. It never fails, and counts the lines that are lost.
func (s *sink) Write(lines []byte) (int, error) {
	written := 0
	if s.endLine() {
		// A short write comes with an error, by the contract of io.Writer.
		written, _ = s.writer.Write(lines)
	}
	if written == len(lines) {
		if s.failing {
			s.recovered.Store(true)
		}
		s.failing = false
		return len(lines), nil
	}
	s.failing = true
	s.lost.Add(int64(bytes.Count(lines[written:], newline)))
	if written > 0 {
		s.midLine = lines[written-1] != '\n'
	}
	return len(lines), nil
}

var newline = []byte{'\n'}

// endLine ends a line that was written in part.
func (s *sink) endLine() bool {
	if s.midLine {
		if _, err := s.writer.Write(newline); err != nil {
			return false
		}
		s.midLine = false
	}
	return true
}
