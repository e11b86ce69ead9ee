package main

import (
	"fmt"
	"io"
	"os"

	"github.com/sealquay/sealquay/bench"
	"github.com/sealquay/sealquay/bench/report"
)

// benchOutputFlags are the forms that a result is written in.
type benchOutputFlags struct {
	JSON  string `name:"json" placeholder:"FILE" help:"Write the result as JSON (docs/BENCHMARKS.md describes it)."`
	CSV   string `name:"csv" placeholder:"FILE" help:"Write a line for each second."`
	Hlog  string `name:"hlog" placeholder:"FILE" help:"Write an HdrHistogram log."`
	HTML  string `name:"html" placeholder:"FILE" help:"Write a page with charts that needs no network."`
	Quiet bool   `short:"q" help:"Print no table."`
}

// write prints the table and writes the files.
func (f benchOutputFlags) write(c console, r *bench.Result) error {
	if !f.Quiet {
		if err := report.Text(c.out, r); err != nil {
			return err
		}
	}
	for _, form := range []struct {
		path  string
		write func(io.Writer, *bench.Result) error
	}{{f.JSON, report.JSON}, {f.CSV, report.CSV}, {f.Hlog, report.HistogramLog}, {f.HTML, report.HTML}} {
		if form.path == "" {
			continue
		}
		if err := writeReport(form.path, r, form.write); err != nil {
			return err
		}
	}
	return nil
}

func writeReport(path string, r *bench.Result, write func(io.Writer, *bench.Result) error) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if closing := file.Close(); err == nil {
			err = closing
		}
		if err != nil {
			err = fmt.Errorf("write the report %s: %w", path, err)
		}
	}()
	return write(file, r)
}

type benchReportCommand struct {
	File string `arg:"" help:"Result that --json wrote."`
	benchOutputFlags
}

// Run shows a result again.
func (b benchReportCommand) Run(c console) error {
	r, err := report.Read(b.File)
	if err != nil {
		return err
	}
	return b.write(c, r)
}

type benchCompareCommand struct {
	Before string `arg:"" help:"Result that --json wrote, before the change."`
	After  string `arg:"" help:"Result after it."`
}

// Run compares two results.
func (b benchCompareCommand) Run(c console) error {
	before, err := report.Read(b.Before)
	if err != nil {
		return err
	}
	after, err := report.Read(b.After)
	if err != nil {
		return err
	}
	return report.Compare(c.out, before, after)
}
