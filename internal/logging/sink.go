package logging

import (
	"bytes"
	"io"
	"sync/atomic"
)

// sink writes to a writer and keeps its errors to itself: bufio would remember the first one for ever, and so a disk
// that was full for a moment would end the log.
type sink struct {
	writer  io.Writer
	midLine bool // the last write ended within a line
	lost    atomic.Int64
}

// Write writes whole lines. It never fails, and counts the lines that are lost.
func (s *sink) Write(lines []byte) (int, error) {
	if s.midLine {
		if _, err := s.writer.Write([]byte("\n")); err != nil {
			s.lost.Add(int64(bytes.Count(lines, []byte("\n"))))
			return len(lines), nil
		}
		s.midLine = false
	}
	n, err := s.writer.Write(lines)
	if n < len(lines) || err != nil {
		s.lost.Add(int64(bytes.Count(lines[n:], []byte("\n"))))
		s.midLine = n > 0 && lines[n-1] != '\n'
	}
	return len(lines), nil
}
