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
	// finished tells that a file is done, well or not.
	finished(path string)
	notice(sentence string)
	// end leaves the output in order; nothing is shown after it.
	end()
}

// newDisplay shows a bar on a terminal and plain lines elsewhere.
func newDisplay(to io.Writer) display {
	if isTerminal(to) {
		return &barDisplay{bars: mpb.New(mpb.WithOutput(to)), under: map[string]*mpb.Bar{}}
	}
	return &lineDisplay{to: to, tries: map[string]int{}}
}

// isTerminal reports whether a person looks at what is written.
func isTerminal(w io.Writer) bool {
	f, isFile := w.(*os.File)
	return isFile && term.IsTerminal(int(f.Fd()))
}

// A lineDisplay prints a line when a file begins, and at each further try.
type lineDisplay struct {
	to    io.Writer
	tries map[string]int // of the files under way
}

func (d *lineDisplay) progress(path string, sent, size int64) {
	if sent > 0 {
		return
	}
	d.tries[path]++
	if try := d.tries[path]; try > 1 {
		fmt.Fprintf(d.to, "sending %s again: the CRC was wrong, try %d\n", printable(path), try)
		return
	}
	fmt.Fprintf(d.to, "sending %s: %d bytes\n", printable(path), size)
}

func (d *lineDisplay) finished(path string) { delete(d.tries, path) }

func (d *lineDisplay) notice(sentence string) { fmt.Fprintln(d.to, sentence) }

func (d *lineDisplay) end() {}

// A barDisplay has a bar for each file under way.
type barDisplay struct {
	bars  *mpb.Progress
	under map[string]*mpb.Bar // by path
}

func (d *barDisplay) progress(path string, sent, size int64) {
	bar := d.under[path]
	if bar == nil {
		bar = d.newBar(path, size)
		d.under[path] = bar
	}
	bar.SetCurrent(sent)
}

// newBar returns a bar that is not complete when all is sent: the file may have
// to be sent again.
func (d *barDisplay) newBar(path string, size int64) *mpb.Bar {
	bar := d.bars.AddBar(0,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(printable(path)+" ", decor.WCSyncSpaceR)),
		mpb.AppendDecorators(
			decor.CountersKibiByte("% .1f of % .1f", decor.WCSyncSpace),
			decor.AverageSpeed(decor.SizeB1024(0), " % .1f", decor.WCSyncSpace),
			decor.AverageETA(decor.ET_STYLE_GO, decor.WCSyncSpace)))
	bar.SetTotal(size, false)
	return bar
}

func (d *barDisplay) finished(path string) {
	if bar := d.under[path]; bar != nil {
		delete(d.under, path)
		bar.Abort(true)
		bar.Wait()
	}
}

func (d *barDisplay) notice(sentence string) { fmt.Fprintln(d.bars, sentence) }

func (d *barDisplay) end() {
	for path := range d.under {
		d.finished(path)
	}
	d.bars.Wait()
}
