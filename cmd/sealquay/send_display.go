package main

import (
	"fmt"
	"io"
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// A display shows how `send` goes on. Its methods are called by one goroutine.
type display interface {
	// progress tells how much of a file is sent, from 0 again at each try.
	progress(path string, sent, size int64)
	notice(sentence string)
	// end leaves the output in order; nothing is shown after it.
	end()
}

// newDisplay shows a bar on a terminal and plain lines elsewhere.
func newDisplay(to io.Writer) display {
	if isTerminal(to) {
		return &barDisplay{bars: mpb.New(mpb.WithOutput(to))}
	}
	return &lineDisplay{to: to}
}

// isTerminal reports whether a person looks at what is written.
func isTerminal(w io.Writer) bool {
	f, isFile := w.(*os.File)
	return isFile && term.IsTerminal(int(f.Fd()))
}

// A lineDisplay prints a line when a file begins, and at each further try.
type lineDisplay struct {
	to   io.Writer
	path string
	try  int
}

func (d *lineDisplay) progress(path string, sent, size int64) {
	if sent > 0 {
		return
	}
	if path != d.path {
		d.path, d.try = path, 0
	}
	d.try++
	if d.try > 1 {
		fmt.Fprintf(d.to, "sending %s again: the CRC was wrong, try %d\n", printable(path), d.try)
		return
	}
	fmt.Fprintf(d.to, "sending %s: %d bytes\n", printable(path), size)
}

func (d *lineDisplay) notice(sentence string) { fmt.Fprintln(d.to, sentence) }

func (d *lineDisplay) end() {}

// A barDisplay has one bar, for the file under way.
type barDisplay struct {
	bars *mpb.Progress
	bar  *mpb.Bar
	path string
}

func (d *barDisplay) progress(path string, sent, size int64) {
	if d.bar == nil || path != d.path {
		d.drop()
		d.path, d.bar = path, d.newBar(path, size)
	}
	d.bar.SetCurrent(sent)
}

// newBar returns a bar that is not complete when all is sent: the file may have
// to be sent again.
func (d *barDisplay) newBar(path string, size int64) *mpb.Bar {
	bar := d.bars.AddBar(0,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(printable(path)+" ")),
		mpb.AppendDecorators(
			decor.CountersKibiByte("% .1f of % .1f", decor.WCSyncSpace),
			decor.AverageSpeed(decor.SizeB1024(0), " % .1f", decor.WCSyncSpace),
			decor.AverageETA(decor.ET_STYLE_GO, decor.WCSyncSpace)))
	bar.SetTotal(size, false)
	return bar
}

func (d *barDisplay) drop() {
	if d.bar != nil {
		d.bar.Abort(true)
		d.bar.Wait()
	}
}

func (d *barDisplay) notice(sentence string) { fmt.Fprintln(d.bars, sentence) }

func (d *barDisplay) end() {
	d.drop()
	d.bars.Wait()
}
