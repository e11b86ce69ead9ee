package logs

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
)

// Options say what is read.
type Options struct {
	Files []string  // plain or compressed with gzip or zstd; none: Input is read
	Input io.Reader // standard input
	// Wait is called when all Files are read to their end: it waits until they may have grown. Nil: the end is the end.
	// When it returns an error, reading ends without one. Input ends with its end in any case.
	Wait func(context.Context) error
}

// Lines are the lines of some files, in the order of time. Lines of one file stay in their order. They are not safe
// for concurrent use.
type Lines struct {
	ctx    context.Context
	wait   func(context.Context) error
	all    []*source
	ready  byTime    // those with a current line
	idle   []*source // those that may have one later
	used   *source   // whose line is Line
	line   Line
	failed error
}

// Open opens all files. Close is to be called in the end.
func Open(ctx context.Context, o Options) (*Lines, error) {
	l := &Lines{ctx: ctx, wait: o.Wait}
	open := openFile
	if o.Wait != nil {
		open = openTail
	}
	for _, name := range o.Files {
		s, err := open(name)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open log: %w", err), l.Close())
		}
		l.add(s)
	}
	if len(o.Files) == 0 {
		s, err := newSource("standard input", o.Input)
		if err != nil {
			return nil, err
		}
		l.add(s)
	}
	for _, s := range l.all {
		s.timed = len(l.all) > 1
	}
	return l, nil
}

func (l *Lines) add(s *source) {
	l.all = append(l.all, s)
	l.idle = append(l.idle, s)
}

// Next returns the next line, nil at the end. What it returned before is no longer valid.
func (l *Lines) Next() *Line {
	if l.used != nil {
		l.advance(l.used, true)
		l.used = nil
	}
	for l.failed == nil {
		if len(l.ready) == 0 {
			l.poll()
		}
		if len(l.ready) > 0 {
			l.used = l.ready[0]
			l.line.reset(l.used.line, l.used.name, l.used.number)
			return &l.line
		}
		if l.ctx.Err() != nil || len(l.idle) == 0 || l.wait(l.ctx) != nil {
			return nil
		}
	}
	return nil
}

// poll looks whether the idle sources have a line.
func (l *Lines) poll() {
	idle := l.idle
	l.idle = l.idle[:0:0]
	for _, s := range idle {
		l.advance(s, false)
	}
}

// advance reads the next line of a source, which is the first of the ready ones, or idle.
func (l *Lines) advance(s *source, ready bool) {
	more, err := s.next()
	if err != nil && l.failed == nil {
		l.failed = err
	}
	switch {
	case more && ready:
		heap.Fix(&l.ready, 0)
	case more:
		heap.Push(&l.ready, s)
	case ready:
		heap.Pop(&l.ready)
		fallthrough
	default:
		if s.tail != nil {
			l.idle = append(l.idle, s)
		}
	}
}

// Err returns what ended the lines before their time.
func (l *Lines) Err() error { return l.failed }

// Close closes the files.
func (l *Lines) Close() (err error) {
	for _, s := range l.all {
		err = errors.Join(err, s.close())
	}
	return err
}

// byTime is a heap of sources, that with the earliest line first.
type byTime []*source

func (h byTime) Len() int           { return len(h) }
func (h byTime) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h byTime) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byTime) Push(s any)        { *h = append(*h, s.(*source)) }
func (h *byTime) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
