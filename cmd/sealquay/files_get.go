package main

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

type filesGetCommand struct {
	configFlags
	Client string `arg:"" help:"Name or id of the client."`
	File   string `arg:"" help:"Name of the file, as files list shows it."`
	Output string `short:"o" placeholder:"PATH" help:"Write to PATH instead of a file of that name here; - is standard output."`
	Number int64  `placeholder:"N" help:"An earlier version, by its number in clients show."`
	Force  bool   `help:"Replace PATH if it exists."`
}

// Run copies a verified file out of the storage, and compares it with its
// CRC-32 on the way. It may run beside the server.
func (g filesGetCommand) Run(ctx context.Context, c console) error {
	store, _, err := openToLook(ctx, g.configFlags)
	if err != nil {
		return err
	}
	defer store.Close()
	owner, err := findClient(ctx, store, g.Client)
	if err != nil {
		return err
	}
	version, content, err := store.Read(ctx, owner.ID, g.File, g.Number)
	if errors.Is(err, persistence.ErrNoFile) {
		return fmt.Errorf("client %q has no verified file %q%s: sealquay clients show %s lists what it has",
			owner.Name, g.File, numbered(g.Number), owner.ID)
	}
	if err != nil {
		return err
	}
	defer content.Close()
	if g.Output == "-" {
		return copyVerified(c.out, content, version)
	}
	path := g.Output
	if path == "" {
		path = version.FileName
	}
	if err := g.save(path, content, version); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.err, "%s: %d bytes, crc32 %08x\n", logging.Untrusted(path), version.Size, version.CRC32)
	return err
}

func numbered(number int64) string {
	if number == 0 {
		return ""
	}
	return fmt.Sprintf(" with number %d", number)
}

// save writes the content to path, which has it whole or does not exist.
func (g filesGetCommand) save(path string, content io.Reader, v persistence.File) (err error) {
	if _, err := os.Lstat(path); err == nil && !g.Force {
		return g.exists(path)
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".sealquay-get-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name()) // what was renamed is not there any more
	defer draft.Close()
	if err := copyVerified(draft, content, v); err != nil {
		return err
	}
	if err := errors.Join(draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if g.Force {
		return os.Rename(draft.Name(), path)
	}
	err = os.Link(draft.Name(), path) // unlike a rename it never replaces
	if errors.Is(err, fs.ErrExist) {
		return g.exists(path)
	}
	return err
}

func (g filesGetCommand) exists(path string) error {
	return fmt.Errorf("%s exists: choose another with --output, or replace it with --force", path)
}

// copyVerified copies a content and fails if it is not what the client sent.
func copyVerified(to io.Writer, content io.Reader, v persistence.File) error {
	sum := crc32.NewIEEE()
	size, err := io.Copy(io.MultiWriter(to, sum), content)
	if err != nil {
		return err
	}
	if size != v.Size || sum.Sum32() != v.CRC32 {
		return fmt.Errorf("the stored content is damaged: it has %d bytes with crc32 %08x, the client sent %d with %08x; sealquay check --deep says more",
			size, sum.Sum32(), v.Size, v.CRC32)
	}
	return nil
}
