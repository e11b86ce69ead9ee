package logs

import (
	"encoding/csv"
	"io"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/sealquay/sealquay/internal/logging"
)

// A Printer shows lines.
type Printer interface {
	Print(l *Line) error
	// Flush is called when no line follows for now.
	Flush() error
}

// jsonPrinter shows lines as they are.
type jsonPrinter struct{ out io.Writer }

// NewJSON returns a Printer that writes lines as they are read. Out should be buffered.
func NewJSON(out io.Writer) Printer { return jsonPrinter{out} }

func (p jsonPrinter) Print(l *Line) error {
	if _, err := p.out.Write(l.Raw); err != nil {
		return err
	}
	_, err := p.out.Write(newline)
	return err
}

func (jsonPrinter) Flush() error { return nil }

// csvPrinter shows some fields of each line.
type csvPrinter struct {
	out     *csv.Writer
	columns []string
	row     []string
}

// Columns are the fields that CSV shows unless others are asked for.
func Columns() []string {
	return []string{"ts", "level", "event", "conn_id", "request_id", "client_ip", "client_id", "client_name", "op", "op_code",
		"status", "reason", "bytes_in", "bytes_out", "queue_wait", "duration", "file_name", "file_size", "detail", "error"}
}

// NewCSV returns a Printer that writes CSV (RFC 4180) with a heading. Texts that a spreadsheet would take for a formula
// get an apostrophe in front.
func NewCSV(out io.Writer, columns []string) (Printer, error) {
	p := &csvPrinter{out: csv.NewWriter(out), columns: columns, row: make([]string, len(columns))}
	return p, p.out.Write(columns)
}

func (p *csvPrinter) Print(l *Line) error {
	for i, c := range p.columns {
		p.row[i] = harmless(string(l.Text(c)))
	}
	return p.out.Write(p.row)
}

// harmless keeps a spreadsheet from computing what a client sent.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

func (p *csvPrinter) Flush() error {
	p.out.Flush()
	return p.out.Error()
}

// TextOptions say how lines look to people.
type TextOptions struct {
	Color    bool
	Location *time.Location // of the times that are shown
}

// textPrinter shows lines as the server does at a terminal, with the time since the line before.
type textPrinter struct {
	out    io.Writer
	style  logging.Style
	zone   *time.Location
	before time.Time
	buffer []byte
}

// NewText returns a Printer for people. Out should be buffered.
func NewText(out io.Writer, o TextOptions) Printer {
	return &textPrinter{out: out, style: logging.Style{Color: o.Color}, zone: o.Location}
}

func (p *textPrinter) Print(l *Line) error {
	p.buffer = p.appendLine(p.buffer[:0], l)
	_, err := p.out.Write(p.buffer)
	return err
}

func (*textPrinter) Flush() error { return nil }

func (p *textPrinter) appendLine(b []byte, l *Line) []byte {
	at, timed := l.Time()
	if timed {
		b = p.appendDate(b, at)
	}
	level, known := l.Level()
	if timed && known {
		e := logging.Entry{Time: at.In(p.zone).Format(logging.TimeOfDay) + " " + p.delta(at), Level: level,
			Event: visible(l, "event"), Message: visible(l, "msg"), Fields: l.Raw}
		if line, err := p.style.Append(b, e); err == nil {
			p.before = at
			return line
		}
	}
	return append(append(b, logging.Visible(string(l.Raw))...), '\n')
}

// appendDate appends the date when it is another one than before.
func (p *textPrinter) appendDate(b []byte, at time.Time) []byte {
	date := at.In(p.zone).Format(time.DateOnly)
	if !p.before.IsZero() && date == p.before.In(p.zone).Format(time.DateOnly) {
		return b
	}
	b = append(b, "── "...)
	b = append(b, date...)
	return append(append(b, at.In(p.zone).Format(" MST")...), '\n')
}

const deltaWidth = 9

// delta is the time since the line before, right-aligned.
func (p *textPrinter) delta(at time.Time) string {
	d := ""
	if !p.before.IsZero() {
		d = since(at.Sub(p.before))
	}
	return strings.Repeat(" ", max(deltaWidth-len([]rune(d)), 0)) + d
}

// since shows a distance in time.
func since(d time.Duration) string {
	if d < 0 {
		return "-" + logging.ReadableDuration(-d)
	}
	return "+" + logging.ReadableDuration(d)
}

// visible is a field's text, fit for a terminal.
func visible(l *Line, field string) string { return logging.Visible(string(l.Text(field))) }

// LevelOf returns the level called name: debug, info, warn or error.
func LevelOf(name string) (zapcore.Level, bool) { return parseLevel(name) }
