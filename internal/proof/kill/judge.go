package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sealquay/sealquay/internal/proof/account"
)

// fileLine is a part of what files list --json prints.
type fileLine struct {
	ClientName string `json:"client_name"`
	FileName   string `json:"file_name"`
	Path       string `json:"path"`
	Number     int64  `json:"number"`
}

// checkReport is a part of what check --json prints.
type checkReport struct {
	Agrees   bool  `json:"agrees"`
	Files    int64 `json:"files"`
	Findings []any `json:"findings"`
}

// judge compares what the server has, after a restart and before any client is
// back, with what it promised.
func (d *driver) judge(ctx context.Context) error {
	var lines []fileLine
	if err := d.program.Ask(ctx, &lines, "files", "list", "--verified"); err != nil {
		return err
	}
	found, visible := map[account.File]func() ([]byte, error){}, map[string]bool{}
	d.newest = map[account.File]int64{}
	for _, line := range lines {
		f := account.File{Client: line.ClientName, Name: line.FileName}
		found[f] = func() ([]byte, error) { return os.ReadFile(line.Path) }
		visible[line.Path] = true
		d.newest[f] = line.Number
	}
	if len(found) != len(lines) {
		d.report.wrong("%d rows are verified, and name %d files", len(lines), len(found))
	}
	v := d.files.Compare(found)
	d.report.add(v)
	if err := d.judgeFolders(visible); err != nil {
		return err
	}
	var table []clientLine
	if err := d.program.Ask(ctx, &table, "clients", "list"); err != nil {
		return err
	}
	d.report.wrongAll(d.registrations.compare(table))
	d.report.wrongAll(d.revocations.compare(table))
	var check checkReport
	if err := d.program.Ask(ctx, &check, "check", "--deep"); err != nil {
		return err
	}
	if !check.Agrees || check.Files != int64(len(lines)) {
		d.report.wrong("check --deep looked at %d of %d files and found %d faults: %v", check.Files, len(lines),
			len(check.Findings), check.Findings[:min(len(check.Findings), 1)])
	}
	return nil
}

// judgeHooks waits until nothing is left to be told, and compares what was. It
// comes after judge, with no client at work.
func (d *driver) judgeHooks(ctx context.Context) error {
	for told, since := -1, time.Now(); ; {
		var left []any
		if err := d.program.Ask(ctx, &left, "hooks", "list"); err != nil {
			return err
		}
		if len(left) == 0 {
			break
		}
		if now := d.receiver.count(); now > told {
			told, since = now, time.Now()
		}
		if time.Since(since) > stall {
			d.report.wrong("%d deliveries are left, and the hook is told no more", len(left))
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	d.report.wrongAll(d.receiver.compare(d.newest))
	return nil
}

// judgeFolders looks for files that can be seen and belong to no verified row.
// Quarantine counts: what was moved there had no row.
func (d *driver) judgeFolders(visible map[string]bool) error {
	for _, folder := range []string{"files", "versions", "quarantine"} {
		err := filepath.WalkDir(filepath.Join(d.program.DataDir(), folder), func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && !visible[path] {
				d.report.wrong("%s can be seen, and no verified row has it", path)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("look into %s: %w", folder, err)
		}
	}
	return nil
}
