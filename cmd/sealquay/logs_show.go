package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/internal/logs"
)

type logsShowCommand struct {
	logsInput
	logsLook
	Follow bool `short:"f" help:"Go on with what is written later, also after a rotation, until interrupted."`

	JSON    bool     `xor:"form" help:"Show lines as they are."`
	CSV     bool     `xor:"form" name:"csv" help:"Show comma-separated values with a heading."`
	Columns []string `placeholder:"FIELD" help:"The fields of --csv."`
}

// logsLook says how lines look to people.
type logsLook struct {
	Color string `enum:"auto,always,never" default:"auto" placeholder:"WHEN" help:"Colours: auto, always or never."`
	UTC   bool   `name:"utc" help:"Show times in UTC instead of the time of here."`
}

// printer returns the printer for people.
func (l logsLook) printer(c console, out *bufio.Writer) logs.Printer {
	return logs.NewText(out, logs.TextOptions{Color: l.hasColor(c), Location: l.zone()})
}

func (l logsLook) zone() *time.Location {
	if l.UTC {
		return time.UTC
	}
	return time.Local
}

func (l logsLook) hasColor(c console) bool {
	if l.Color != "auto" {
		return l.Color == "always"
	}
	return isTerminal(c.out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// Validate checks the columns.
func (s *logsShowCommand) Validate() error {
	if len(s.Columns) > 0 && !s.CSV {
		return errors.New("--columns is for --csv")
	}
	for _, name := range s.Columns {
		if _, err := logs.ParseCondition(name); err != nil {
			return fmt.Errorf("--columns: %w", err)
		}
	}
	return s.logsInput.Validate()
}

// followPause is how long the files are left alone before they are looked at again.
const followPause = 250 * time.Millisecond

// Run shows the lines.
func (s *logsShowCommand) Run(ctx context.Context, c console) error {
	return buffered(c, func(out *bufio.Writer) error {
		printer, err := s.form(c, out)
		if err != nil {
			return err
		}
		flush := func() error { return errors.Join(printer.Flush(), out.Flush()) }
		if !isKeyboard(c.in) {
			c.in = livelyReader{c.in, flush}
		}
		var wait func(context.Context) error
		if s.Follow {
			wait = pauseAfter(flush)
		}
		return s.show(ctx, c, wait, printer)
	})
}

// pauseAfter returns a function that shows what there is and waits a moment.
func pauseAfter(flush func() error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := flush(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(followPause):
			return nil
		}
	}
}

// A livelyReader has everything shown before it waits for more.
type livelyReader struct {
	io.Reader
	flush func() error
}

func (r livelyReader) Read(p []byte) (int, error) {
	if err := r.flush(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

func (s *logsShowCommand) form(c console, out *bufio.Writer) (logs.Printer, error) {
	switch {
	case s.JSON:
		return logs.NewJSON(out), nil
	case s.CSV && len(s.Columns) > 0:
		return logs.NewCSV(out, s.Columns)
	case s.CSV:
		return logs.NewCSV(out, logs.Columns())
	}
	return s.printer(c, out), nil
}

// show prints lines. What is no JSON is shown to people only, and told of otherwise.
func (s *logsShowCommand) show(ctx context.Context, c console, wait func(context.Context) error, p logs.Printer) error {
	strange := 0
	err := s.each(ctx, c, wait, func(l *logs.Line) error {
		if (s.JSON || s.CSV) && !l.Valid() {
			strange++
			return nil
		}
		return p.Print(l)
	})
	if strange > 0 {
		fmt.Fprintf(c.err, "sealquay: %d lines are no log lines; sealquay logs check says which\n", strange)
	}
	return errors.Join(err, p.Flush())
}

// untrusted fits what a log file says for a terminal.
func untrusted(text string) string { return logging.Visible(text) }
