package main

import (
	"bufio"
	"context"
	"fmt"
	"os"

	"github.com/sealquay/sealquay/persistence"
)

type databaseCommand struct {
	Backup databaseBackupCommand `cmd:"" help:"Copy the database to a new file, while the server runs or not."`
	Export databaseExportCommand `cmd:"" help:"Print all rows as JSON."`
}

type databaseBackupCommand struct {
	configFlags
	File string `arg:"" help:"File to write; it must not exist."`
}

// Run copies the database.
func (b databaseBackupCommand) Run(ctx context.Context, c console) error {
	store, _, err := openToLook(ctx, b.configFlags)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.Backup(ctx, b.File); err != nil {
		return err
	}
	info, err := os.Stat(b.File)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s: %d bytes\n", b.File, info.Size())
	return err
}

type databaseExportCommand struct {
	configFlags
}

// Run prints all rows.
func (e databaseExportCommand) Run(ctx context.Context, c console) error {
	store, _, err := openToLook(ctx, e.configFlags)
	if err != nil {
		return err
	}
	defer store.Close()
	return export(ctx, store, c)
}

func export(ctx context.Context, store *persistence.Store, c console) error {
	w := bufio.NewWriter(c.out)
	if err := store.Export(ctx, w); err != nil {
		return err
	}
	return w.Flush()
}
