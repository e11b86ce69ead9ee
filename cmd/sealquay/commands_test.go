package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// TestMain runs the tests, or the command for the scripts.
func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){
		"sealquay": main,

		"sealquay-whose-loops-end": serveUntilLoopsEnd,
	})
}

// leakless fails when goroutines are left after the last test.
type leakless struct{ *testing.M }

func (m leakless) Run() int {
	atInit := goleak.IgnoreCurrent() // gnet begins its own
	status := m.M.Run()
	if err := goleak.Find(atInit); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

// TestScripts runs the scripts in testdata/script. Beside the usual commands
// they have:
//
//	serve [FLAG...]      starts a server on a free port, waits until it is ready,
//	                     and sets ADDR and PORT
//	end TERM|INT         sends it that signal; it must exit with status 0, and its
//	                     log, all of it JSON, is in serve.log then
//	deliver CLIENT FILE  has a new client send a file of the script's to it
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			b := new(background)
			env.Values[background{}] = b
			env.Defer(b.kill)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":   serveInScript,
			"end":     endInScript,
			"deliver": func(ts *testscript.TestScript, _ bool, args []string) { deliverInScript(t, ts, args) },
		},
	})
}

// A background is the server that a script has started.
type background struct {
	process *exec.Cmd
	lines   *bufio.Scanner
	log     string
}

func running(ts *testscript.TestScript) *background { return ts.Value(background{}).(*background) }

func serveInScript(ts *testscript.TestScript, _ bool, args []string) {
	b := running(ts)
	b.log = ""
	b.process = exec.Command("sealquay", append([]string{"serve", "--port", "0"}, args...)...)
	b.process.Dir = ts.Getenv("WORK")
	errors, err := b.process.StderrPipe()
	ts.Check(err)
	b.lines = bufio.NewScanner(errors)
	ts.Check(b.process.Start())
	for b.lines.Scan() {
		b.log += b.lines.Text() + "\n"
		var line struct{ Event, Addr string }
		ts.Check(json.Unmarshal(b.lines.Bytes(), &line))
		if line.Event == "server.ready" {
			addr, err := netip.ParseAddrPort(line.Addr)
			ts.Check(err)
			ts.Setenv("ADDR", line.Addr)
			ts.Setenv("PORT", fmt.Sprint(addr.Port()))
			return
		}
	}
	ts.Fatalf("the server ended before it was ready:\n%s", b.log)
}

func endInScript(ts *testscript.TestScript, _ bool, args []string) {
	b := running(ts)
	ts.Check(b.process.Process.Signal(map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT}[args[0]]))
	for b.lines.Scan() {
		b.log += b.lines.Text() + "\n"
		if !json.Valid(b.lines.Bytes()) {
			ts.Fatalf("a log line is no JSON: %s", b.lines.Text())
		}
	}
	if err := b.process.Wait(); err != nil {
		ts.Fatalf("serve: %v\n%s", err, b.log)
	}
	b.process = nil
	ts.Check(os.WriteFile(ts.MkAbs("serve.log"), []byte(b.log), 0o600))
}

// kill ends a server that the script did not end.
func (b *background) kill() {
	if b.process != nil && b.process.Process != nil {
		_ = b.process.Process.Kill() // it may be gone
		_ = b.process.Wait()
	}
}

func deliverInScript(t *testing.T, ts *testscript.TestScript, args []string) {
	addr, err := netip.ParseAddrPort(ts.Getenv("ADDR"))
	ts.Check(err)
	deliverNew(member{t}, &testServer{addr: addr}, args[0], args[1], []byte(ts.ReadFile(args[1])))
}
