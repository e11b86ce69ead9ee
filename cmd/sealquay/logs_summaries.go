package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/internal/logs"
)

type logsTopCommand struct {
	logsInput
	JSON bool `help:"Print a JSON array."`
}

// Run adds up the requests.
func (t *logsTopCommand) Run(ctx context.Context, c console) error {
	top := logs.NewTop()
	if err := t.each(ctx, c, nil, func(l *logs.Line) error { top.Add(l); return nil }); err != nil {
		return err
	}
	totals := top.Totals()
	if len(totals) == 0 {
		return errNoLine
	}
	if t.JSON {
		return writeJSON(c, totals)
	}
	return table(c, "OP\tCOUNT\tERRORS\tP50\tP99\tMAX\tBYTES IN", func(w io.Writer) {
		for _, o := range totals {
			fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\t%d\n", untrusted(o.Op), o.Count, o.Errors,
				seconds(o.P50), seconds(o.P99), seconds(o.Max), o.BytesIn)
		}
	})
}

func seconds(s float64) string {
	return logging.ReadableDuration(time.Duration(s * float64(time.Second)))
}

type logsErrorsCommand struct {
	logsInput
	JSON bool `help:"Print a JSON array."`
}

// Run adds up what went wrong.
func (e *logsErrorsCommand) Run(ctx context.Context, c console) error {
	refusals := logs.NewRefusals()
	if err := e.each(ctx, c, nil, func(l *logs.Line) error { refusals.Add(l); return nil }); err != nil {
		return err
	}
	totals := refusals.Totals()
	if len(totals) == 0 {
		return errNoLine
	}
	if e.JSON {
		return writeJSON(c, totals)
	}
	return table(c, "REASON\tCOUNT\tADDRESSES\tFIRST\tLAST\tEXAMPLE", func(w io.Writer) {
		for _, r := range totals {
			fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\n", untrusted(r.Reason), r.Count, r.Clients, moment(r.First), moment(r.Last), untrusted(r.Example))
		}
	})
}

type logsSlowCommand struct {
	logsInput
	logsLook
	Count int  `short:"n" default:"20" placeholder:"N" help:"How many."`
	JSON  bool `help:"Show lines as they are."`
}

// Validate checks the count.
func (s *logsSlowCommand) Validate() error {
	if s.Count < 1 {
		return errors.New("--count must be at least 1")
	}
	return s.logsInput.Validate()
}

// Run shows the slowest requests.
func (s *logsSlowCommand) Run(ctx context.Context, c console) error {
	slow := logs.NewSlow(s.Count)
	if err := s.each(ctx, c, nil, func(l *logs.Line) error { slow.Add(l); return nil }); err != nil {
		return err
	}
	return buffered(c, func(out *bufio.Writer) error {
		printer := s.printer(c, out)
		if s.JSON {
			printer = logs.NewJSON(out)
		}
		shown := false
		err := slow.Each(func(l *logs.Line) error { shown = true; return printer.Print(l) })
		if err == nil && !shown {
			return errNoLine
		}
		return err
	})
}

type logsTraceCommand struct {
	logsInput
	logsLook
}

// Validate wants one connection or one client.
func (t *logsTraceCommand) Validate() error {
	if (len(t.Conn) == 1) == (t.Client != "") || len(t.Conn) > 1 {
		return errors.New("say which: --conn N or --client CLIENT")
	}
	return t.logsInput.Validate()
}

// Run shows each connection with its lines.
func (t *logsTraceCommand) Run(ctx context.Context, c console) error {
	var trace *logs.Trace
	if t.Client != "" {
		trace = logs.TraceClient(t.Client)
	} else {
		trace = logs.TraceConnection(uint64(t.Conn[0])) // a negative one matches nothing
	}
	read := t.logsInput
	read.Client, read.Conn = "", nil // the trace chooses: it needs lines that do not name the client
	if err := read.each(ctx, c, nil, func(l *logs.Line) error { trace.Add(l); return nil }); err != nil {
		return err
	}
	found := trace.Conversations()
	if len(found) == 0 {
		return errNoLine
	}
	return buffered(c, func(out *bufio.Writer) error {
		for i, conversation := range found {
			if i > 0 {
				fmt.Fprintln(out)
			}
			if err := t.show(c, out, conversation); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *logsTraceCommand) show(c console, out *bufio.Writer, v *logs.Conversation) error {
	if v.ConnID == 0 {
		fmt.Fprint(out, "Beside connections")
	} else {
		fmt.Fprintf(out, "Connection %d", v.ConnID)
	}
	for _, part := range []struct{ before, text string }{{" from ", v.ClientIP}, {", client ", v.ClientName}, {", id ", v.ClientID}} {
		if part.text != "" {
			fmt.Fprint(out, part.before, untrusted(part.text))
		}
	}
	fmt.Fprintf(out, ": %d requests, %d refused, %s", v.Requests, v.Refused, logging.ReadableDuration(v.Last.Sub(v.First)))
	if v.Reason != "" {
		fmt.Fprintf(out, ", ended by %s", untrusted(v.Reason))
	}
	fmt.Fprintln(out)
	return v.Each(t.printer(c, out).Print)
}

type logsCheckCommand struct {
	logsInput
	Max int `default:"100" placeholder:"N" help:"How many problems to show; all are counted."`
}

// Run checks the lines.
func (k *logsCheckCommand) Run(ctx context.Context, c console) error {
	checked, problems := 0, 0
	err := buffered(c, func(out *bufio.Writer) error {
		return k.each(ctx, c, nil, func(l *logs.Line) error {
			checked++
			for _, problem := range logs.Check(l) {
				problems++
				if problems <= k.Max {
					fmt.Fprintf(out, "%s:%d: %s\n", untrusted(l.Source), l.Number, problem)
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%d lines, %d problems\n", checked, problems)
	if problems > 0 {
		return failure{errors.New("the log has problems")}
	}
	return nil
}

// table writes columns with a heading.
func table(c console, heading string, rows func(io.Writer)) error {
	t := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, heading)
	rows(t)
	return t.Flush()
}

func writeJSON(c console, value any) error {
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	return e.Encode(value)
}
