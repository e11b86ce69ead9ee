package program

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Program is the built program with a working directory for its processes.
type Program struct {
	path     string
	dir      string
	settings []string
}

// Build compiles cmd/sealquay into dir, which is to be empty. It needs the go
// command, and a working directory inside the module.
func Build(ctx context.Context, dir string) (*Program, error) {
	p := &Program{path: filepath.Join(dir, "sealquay"), dir: dir}
	build := exec.CommandContext(ctx, "go", "build", "-o", p.path, "github.com/sealquay/sealquay/cmd/sealquay")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return p, nil
}

// With returns the program with settings of its configuration, each as an
// environment variable: "SEALQUAY_MEMORY_BUDGET=64MiB".
func (p *Program) With(settings ...string) *Program {
	return &Program{path: p.path, dir: p.dir, settings: slices.Concat(p.settings, settings)}
}

// DataDir is where the servers of this program store.
func (p *Program) DataDir() string { return filepath.Join(p.dir, "data") }

// Ask runs a command of the program that looks at the data directory, such as
// files list, and decodes the JSON it prints into answer. An exit status of 1
// is no error when there is JSON: it is what check says when it found something.
func (p *Program) Ask(ctx context.Context, answer any, command ...string) error {
	cmd := p.command(ctx, append(command, "--json", "--data-dir", p.DataDir())...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if decoding := json.Unmarshal(out, answer); decoding != nil {
		return fmt.Errorf("sealquay %s: %w, %w\n%s", strings.Join(command, " "), decoding, err, complaint.Bytes())
	}
	return nil
}

// Do runs a command of the program that changes what is in the data directory,
// such as clients revoke. Nil means that it ended with status 0.
func (p *Program) Do(ctx context.Context, command ...string) error {
	cmd := p.command(ctx, append(command, "--data-dir", p.DataDir())...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sealquay %s: %w\n%s", strings.Join(command, " "), err, out)
	}
	return nil
}

// Run runs a command of the program, with nothing added to its arguments, and
// returns what it has printed. It is killed by SIGKILL when ctx ends.
func (p *Program) Run(ctx context.Context, command ...string) (stdout, stderr []byte, err error) {
	cmd := p.command(ctx, command...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err = cmd.Run()
	return out.Bytes(), complaint.Bytes(), err
}

// command prepares a process that takes no settings from its surroundings. It
// is killed when ctx ends.
func (p *Program) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Dir = p.dir
	cmd.Env = append([]string{
		"HOME=" + p.dir, "TMPDIR=" + os.TempDir(),
		"SEALQUAY_PENALTY_MAX=0s", // all clients of a proof come from one address
	}, p.settings...)
	return cmd
}
