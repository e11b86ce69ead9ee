package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/sealquay/sealquay/internal/config"
)

// configFlags are the flags of every command that reads the configuration.
type configFlags struct {
	Config  string `placeholder:"FILE" help:"Read FILE instead of config.json in the working directory."`
	DataDir string `placeholder:"DIR" help:"Directory of the database and the files."`
}

// load reads the configuration; more are flags of the command's own.
func (f configFlags) load(more ...config.Flag) (*config.Config, []config.Warning, error) {
	flags := more
	if f.DataDir != "" {
		flags = append(flags, config.Flag{Name: "--data-dir", Key: "data_dir", Value: f.DataDir})
	}
	return config.Load(config.Options{File: f.Config, Environ: os.Environ(), Flags: flags})
}

// addressFlags are the flags of commands that are about the server's address.
type addressFlags struct {
	IP   string `name:"ip" placeholder:"IP" help:"Address to listen on."`
	Port *int   `placeholder:"N" help:"Port to listen on, instead of that in port.info; 0 takes a free one."`
}

func (a addressFlags) flags() (given []config.Flag) {
	if a.IP != "" {
		given = append(given, config.Flag{Name: "--ip", Key: "server_ip_address", Value: a.IP})
	}
	if a.Port != nil {
		given = append(given, config.Flag{Name: "--port", Key: "port", Value: strconv.Itoa(*a.Port)})
	}
	return given
}

type configCommand struct {
	Print configPrintCommand `cmd:"" help:"Show every value and where it comes from."`
	Check configCheckCommand `cmd:"" help:"Check the configuration; exit 1 when it is wrong."`
}

type configPrintCommand struct {
	configFlags
	JSON bool `help:"Print a config.json that gives the same values."`
}

// Run prints the configuration.
func (p configPrintCommand) Run(c console) error {
	cfg, warnings, err := p.load()
	showWarnings(c, warnings)
	if err != nil {
		return err
	}
	if p.JSON {
		return cfg.WriteJSON(c.out)
	}
	return cfg.WriteText(c.out)
}

type configCheckCommand struct {
	configFlags
}

// Run checks the configuration and prints all that is wrong with it, one
// problem a line.
func (p configCheckCommand) Run(c console) error {
	_, warnings, err := p.load()
	showWarnings(c, warnings)
	var wrong *config.Error
	if errors.As(err, &wrong) {
		for _, problem := range wrong.Problems {
			fmt.Fprintln(c.err, problem)
		}
		return failure{err}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, "The configuration is right.")
	return err
}

func showWarnings(c console, warnings []config.Warning) {
	for _, w := range warnings {
		fmt.Fprintf(c.err, "warning: %v\n", w)
	}
}
