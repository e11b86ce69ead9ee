package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sealquay/sealquay/internal/manual"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"Shell to write for: bash, zsh or fish."`
}

// Run prints a completion script.
func (s completionCommand) Run(program *kong.Kong, c console) error {
	return manual.WriteCompletion(c.out, manual.Describe(program.Model), manual.Shell(s.Shell))
}

type manCommand struct {
	Folder string    `arg:"" name:"dir" help:"Folder to write them to; it is made if it is not there."`
	Date   time.Time `format:"2006-01-02" placeholder:"DATE" help:"Date of the pages, like 2026-11-24, instead of today."`
}

// Run writes a page for each command.
func (m manCommand) Run(program *kong.Kong, c console) (err error) {
	if m.Date.IsZero() {
		m.Date = time.Now()
	}
	if err := os.MkdirAll(m.Folder, 0o755); err != nil {
		return err
	}
	pages, root := 0, manual.Describe(program.Model)
	root.Each(func(command manual.Command) {
		if err == nil {
			err = m.write(root, command)
			pages++
		}
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s: %d pages\n", m.Folder, pages)
	return err
}

func (m manCommand) write(root, command manual.Command) error {
	file, err := os.Create(filepath.Join(m.Folder, command.PageName()))
	if err != nil {
		return err
	}
	if err := manual.WritePage(file, root, command, m.Date); err != nil {
		_ = file.Close() // the error before it counts
		return err
	}
	return file.Close()
}
