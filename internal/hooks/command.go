package hooks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// A Command is a program that is run for each event. It gets the event as JSON
// on its standard input and the most of it as environment variables, and has
// taken it when it ends with status 0. It gets no argument: names come from
// clients, and an argument could be taken for a flag.
type Command struct {
	Path    string
	DataDir string // what PathName is below
}

// graceBeforeKill is what a program gets to end after it was asked to.
const graceBeforeKill = 2 * time.Second

// Deliver runs the program and waits for its end. When ctx ends first, the
// program is asked to end, and then made to.
func (c Command) Deliver(ctx context.Context, e Event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, c.Path)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = graceBeforeKill
	cmd.Stdin = bytes.NewReader(append(body, '\n'))
	cmd.Env = append(surroundings(),
		"SEALQUAY_HOOK_TYPE="+e.Type,
		"SEALQUAY_HOOK_DELIVERY="+e.Delivery,
		"SEALQUAY_HOOK_CLIENT_ID="+e.ClientID,
		"SEALQUAY_HOOK_CLIENT_NAME="+e.ClientName,
		"SEALQUAY_HOOK_FILE_NAME="+e.FileName,
		"SEALQUAY_HOOK_PATH="+filepath.Join(c.DataDir, filepath.FromSlash(e.PathName)))
	var said bounded
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if words := bytes.TrimSpace(said.text); len(words) > 0 {
			return fmt.Errorf("%s: %w: %s", c.Path, err, words)
		}
		return fmt.Errorf("%s: %w", c.Path, err)
	}
	return nil
}

// surroundings are the environment variables that a program needs and that hold
// no secret: the server's own configuration may.
func surroundings() (kept []string) {
	for _, name := range []string{"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"} {
		if value, set := os.LookupEnv(name); set {
			kept = append(kept, name+"="+value)
		}
	}
	return kept
}

// bounded keeps the beginning of what is written to it.
type bounded struct{ text []byte }

func (b *bounded) Write(p []byte) (int, error) {
	b.text = append(b.text, p[:min(len(p), longestFailure-len(b.text))]...)
	return len(p), nil
}
