// Command sealquay receives encrypted files from many clients, sends files as
// a client, and shows what a server holds. Run it with --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is everything that can be typed.
type commands struct {
	Serve      serveCommand      `cmd:"" help:"Receive files."`
	Send       sendCommand       `cmd:"" help:"Send files to a server."`
	Clients    clientsCommand    `cmd:"" help:"Show the registered clients, approve their keys, shut them out."`
	Files      filesCommand      `cmd:"" help:"Show the received files, and copy them out of the storage."`
	Hooks      hooksCommand      `cmd:"" help:"Show what hooks have not been told yet, and have them told again."`
	Check      checkCommand      `cmd:"" help:"Prove that the database and the files agree; exit 1 when they do not."`
	Migrate    migrateCommand    `cmd:"" help:"Copy clients and files from another storage, or from the seed's server, into the one that is configured."`
	DB         databaseCommand   `cmd:"" name:"db" help:"Back up or export the database."`
	Bench      benchCommand      `cmd:"" help:"Load a server with virtual clients and measure it."`
	Logs       logsCommand       `cmd:"" help:"Search and sum up the server's log."`
	Health     healthCommand     `cmd:"" help:"Ask the server on this machine for an answer; exit 1 when none comes."`
	Doctor     doctorCommand     `cmd:"" help:"Look at the machine that the server runs on, and say what to do; exit 1 when something must be mended."`
	Config     configCommand     `cmd:"" help:"Show or check the configuration."`
	Completion completionCommand `cmd:"" help:"Print a script by which a shell completes the command line."`
	Man        manCommand        `cmd:"" help:"Write the manual pages of all commands."`
	TLS        tlsCommand        `cmd:"" name:"tls" help:"Make a certificate to try TLS with."`
	Version    versionCommand    `cmd:"" help:"Show the version."`
}

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		sleepCoarsely()
	}
	os.Exit(run(os.Args[1:], console{os.Stdin, os.Stdout, os.Stderr}))
}

// run executes one command line and returns its exit status: 0 when all went
// well, 1 when it did not, 2 when the command line is wrong.
func run(args []string, c console) (status int) {
	defer func() {
		if code, exits := recover().(exit); exits {
			status = int(code)
		}
	}()
	var typed commands
	parser, err := kong.New(&typed,
		kong.Name("sealquay"),
		kong.Description("Receives encrypted files from very many clients, and acknowledges them only when they are safe."),
		kong.UsageOnError(),
		kong.Writers(c.out, c.err),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		panic(err) // the commands above contradict each other
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(c.err, "sealquay: %v\nTry: sealquay --help\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(c); err != nil {
		return explain(err, c.err)
	}
	return 0
}

// exit is what kong's own exits (--help) panic with.
type exit int

// failure is an error that was shown already.
type failure struct{ error }

// explain shows why a command failed.
func explain(err error, to io.Writer) int {
	if shown := (failure{}); !errors.As(err, &shown) {
		fmt.Fprintf(to, "sealquay: %v\n", err)
	}
	return 1
}
