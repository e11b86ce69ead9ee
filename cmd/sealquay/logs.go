package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/internal/logs"
)

type logsCommand struct {
	Show   logsShowCommand   `cmd:"" default:"withargs" help:"Show lines; this is what happens without a command."`
	Top    logsTopCommand    `cmd:"" help:"Add up requests by what they ask for: count, errors, durations."`
	Trace  logsTraceCommand  `cmd:"" help:"Show the life of one connection, or of one client."`
	Slow   logsSlowCommand   `cmd:"" help:"Show the requests that took longest."`
	Errors logsErrorsCommand `cmd:"" help:"Add up what went wrong, by reason."`
	Check  logsCheckCommand  `cmd:"" help:"Check that every line is as docs/LOGGING.md says."`
}

// logsInput says which lines of which files are read.
type logsInput struct {
	Files   []string `arg:"" optional:"" name:"file" type:"existingfile" help:"Log files, also compressed ones; none: standard input, or at a terminal the file of log.file."`
	Rotated bool     `help:"Also read the old files beside each file."`

	Since  *timeOfFlag       `placeholder:"TIME" help:"Only lines from then on: -15m, 2d, 14:30, 2026-11-23T14:30:00Z."`
	Until  *timeOfFlag       `placeholder:"TIME" help:"Only lines before then."`
	Level  string            `placeholder:"LEVEL" enum:",debug,info,warn,error" default:"" help:"Only lines of this level and of more severe ones."`
	Event  []string          `placeholder:"EVENT" help:"Only lines about this event."`
	Conn   []int             `placeholder:"N" help:"Only lines of this connection."`
	Client string            `placeholder:"CLIENT" help:"Only lines of this client, by id or name."`
	Op     []string          `placeholder:"OP" help:"Only lines of this request, by name or number."`
	Status []int             `placeholder:"CODE" help:"Only lines with this response."`
	Where  []conditionOfFlag `sep:"none" placeholder:"EXPR" help:"Only lines for which this holds, like 'duration>0.1 and bytes_in>1MiB'."`
}

// A timeOfFlag is a point in time that is given by a flag, like -15m.
type timeOfFlag struct{ time.Time }

// Decode takes the next word, even if it begins like a flag.
func (m *timeOfFlag) Decode(ctx *kong.DecodeContext) error {
	word := ctx.Scan.Pop()
	if word.IsEOL() {
		return errors.New("expected a time like -15m or 2026-11-23T14:30:00Z")
	}
	at, err := logs.ParseMoment(word.String(), time.Now())
	m.Time = at
	return err
}

// conditionOfFlag is an expression that is given by a flag.
type conditionOfFlag struct{ logs.Condition }

// UnmarshalText parses it.
func (c *conditionOfFlag) UnmarshalText(text []byte) (err error) {
	c.Condition, err = logs.ParseCondition(string(text))
	return err
}

// Validate checks what kong cannot.
func (i *logsInput) Validate() error {
	var f logs.Filter
	for _, e := range i.Event {
		if _, err := logs.ParseCondition("event=" + e); err != nil {
			return fmt.Errorf("--event: %w", err)
		}
	}
	if i.Since != nil && i.Until != nil && !i.Since.Before(i.Until.Time) {
		return errors.New("--since is not before --until")
	}
	i.narrow(&f)
	return nil
}

// narrow makes f choose what the flags say.
func (i *logsInput) narrow(f *logs.Filter) {
	if level, given := logs.LevelOf(i.Level); given {
		f.Level(level)
	}
	if len(i.Event) > 0 {
		f.Events(i.Event...)
	}
	if len(i.Conn) > 0 {
		f.Connections(i.Conn...)
	}
	if len(i.Op) > 0 {
		f.Ops(i.Op...)
	}
	if len(i.Status) > 0 {
		f.Statuses(i.Status...)
	}
	if i.Since != nil {
		f.Since(i.Since.Time)
	}
	if i.Until != nil {
		f.Until(i.Until.Time)
	}
	for _, w := range i.Where {
		f.Where(w.Condition)
	}
	if i.Client != "" {
		f.Client(i.Client)
	}
}

// errNoLine makes the exit status 1, as grep's is when nothing matched.
var errNoLine = failure{errors.New("no line matched")}

// each calls visit for every line that is chosen. Lines that are no JSON are chosen only if nothing is said of lines;
// visit then tells whether it took one.
func (i *logsInput) each(ctx context.Context, c console, wait func(context.Context) error, visit func(*logs.Line) error) error {
	files, err := i.files(c)
	if err != nil {
		return err
	}
	lines, err := logs.Open(ctx, logs.Options{Files: files, Input: c.in, Wait: wait})
	if err != nil {
		return err
	}
	var filter logs.Filter
	i.narrow(&filter)
	err = visitLines(ctx, lines, &filter, visit)
	return errors.Join(err, lines.Close())
}

func visitLines(ctx context.Context, lines *logs.Lines, filter *logs.Filter, visit func(*logs.Line) error) error {
	matched := false
	for line := lines.Next(); line != nil && ctx.Err() == nil; line = lines.Next() {
		if !filter.Match(line) {
			continue
		}
		matched = true
		if err := visit(line); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if !matched {
		return errNoLine
	}
	return nil
}

// files returns what is read; nothing means standard input.
func (i *logsInput) files(c console) ([]string, error) {
	if len(i.Files) == 0 {
		if !isKeyboard(c.in) {
			return nil, nil
		}
		return configuredLog()
	}
	if !i.Rotated {
		return i.Files, nil
	}
	var all []string
	for _, name := range i.Files {
		found, err := logs.Rotated(name)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// configuredLog returns the files that the server of this directory writes.
func configuredLog() ([]string, error) {
	cfg, _, err := config.Load(config.Options{Environ: os.Environ()})
	if err != nil {
		return nil, err
	}
	if cfg.Log.File == "" {
		return nil, errors.New("no log file is configured (log.file): name one, or pipe the lines in, like journalctl -u sealquay -o cat | sealquay logs")
	}
	return logs.Rotated(cfg.Log.File)
}

// isKeyboard reports whether nobody but a person could write to r.
func isKeyboard(r io.Reader) bool {
	f, isFile := r.(*os.File)
	return isFile && isTerminal(f)
}

// buffered gives write a buffer before the command's output.
func buffered(c console, write func(*bufio.Writer) error) error {
	out := bufio.NewWriterSize(c.out, 64<<10)
	err := write(out)
	if flushed := out.Flush(); flushed != nil && (err == nil || errors.Is(err, errNoLine)) {
		return flushed
	}
	return err
}
