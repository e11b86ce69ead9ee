package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/sealquay/sealquay/codec"
)

// A Transfer is the whole conversation: it registers if need be, exchanges keys
// and sends files, as transfer.info and me.info say. What is set here comes
// before what they say.
type Transfer struct {
	Options
	Dir   string   // of transfer.info and me.info; by default the working directory
	Name  string   // of the client
	Files []string // paths; if none, the one of transfer.info, which is relative to Dir

	// Parallel is how many files are sent at once, each over a connection of its
	// own: 1, the default, to MaxParallel. To a server of the seed's dialect it
	// is always 1.
	Parallel int

	// Progress, if not nil, is told how much of a file is sent, from 0 again at
	// each try. Like Finished and Notice, it is called by one goroutine at a time.
	Progress func(path string, sent, size int64)
	// Finished, if not nil, is told what became of a file as soon as that is
	// clear.
	Finished func(Result)
	// Notice, if not nil, is told in a sentence what a person should know of.
	Notice func(sentence string)
}

// A Result says what became of one file. It is acknowledged if Err is nil.
type Result struct {
	Path    string
	Receipt Receipt
	Err     error
}

// Send does the conversation. Settings and all files are checked before the
// server is connected to; if anything is wrong, nothing is sent and there are no
// results. Otherwise there is one for each file, in order, and the error joins
// theirs: a file that fails by itself leaves the others their turn, after any other
// failure only those already on their way are finished.
func (t Transfer) Send(ctx context.Context) ([]Result, error) {
	t.Options = t.Options.withDefaults()
	if t.Parallel < 0 || t.Parallel > MaxParallel {
		return nil, &Error{Problem: ErrSettings, Detail: fmt.Sprintf("%d files at once: want 1 to %d", t.Parallel, MaxParallel)}
	}
	t.listen()
	c, err := plan(t)
	if err != nil {
		return nil, err
	}
	if err := checkFiles(c.Files); err != nil {
		return nil, err
	}
	if c.me.Key == nil {
		if c.me.Key, err = NewKey(); err != nil {
			return nil, err
		}
	}
	defer c.close()
	return c.sendAll(ctx)
}

// listen makes the functions that are told of the transfer callable by any
// stream.
func (t *Transfer) listen() {
	var mu sync.Mutex
	progress, finished, notice := t.Progress, t.Finished, t.Notice
	t.Progress = func(path string, sent, size int64) {
		if progress != nil {
			mu.Lock()
			defer mu.Unlock()
			progress(path, sent, size)
		}
	}
	t.Finished = func(r Result) {
		if finished != nil {
			mu.Lock()
			defer mu.Unlock()
			finished(r)
		}
	}
	t.Notice = func(sentence string) {
		if notice != nil {
			mu.Lock()
			defer mu.Unlock()
			notice(sentence)
		}
	}
}

// plan completes the settings from the two files.
func plan(t Transfer) (*conversation, error) {
	c := &conversation{Transfer: t, mePath: filepath.Join(t.Dir, MeInfoName)}
	if err := c.readMeInfo(); err != nil {
		return nil, err
	}
	info, infoErr := ReadTransferInfo(filepath.Join(t.Dir, TransferInfoName))
	lacking := func(what string) error {
		return &Error{Problem: ErrSettings, Detail: "there is no " + what, Cause: infoErr}
	}
	if err := c.chooseServer(info); err != nil {
		return nil, err
	}
	if c.Server == "" {
		return nil, lacking("address of a server")
	}
	if err := c.chooseName(info); err != nil {
		return nil, err
	}
	if c.me.Name == "" {
		return nil, lacking("name")
	}
	if len(c.Files) == 0 {
		if infoErr != nil {
			return nil, lacking("file to send")
		}
		c.Files = []string{inFolder(t.Dir, info.Path)}
	}
	return c, nil
}

func inFolder(folder, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}

// readMeInfo takes from me.info what is whole. A damaged one is no error.
func (c *conversation) readMeInfo() error {
	text, err := readSettings(c.mePath)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &Error{Problem: ErrSettings, Cause: err}
	}
	c.old = text
	if c.me, err = ParseMeInfo(text); err == nil {
		return nil
	}
	c.damaged = true
	lost := "a new key is made"
	if c.me.ID == (codec.ClientID{}) {
		lost = "the client is registered anew"
	}
	c.Notice(fmt.Sprintf("%v. Therefore %s.", inFile(c.mePath, err), lost))
	return nil
}

func (c *conversation) chooseServer(info TransferInfo) error {
	if c.Server == "" {
		c.Server = info.Server
		return nil
	}
	server, ok := parseAddress(c.Server)
	if !ok {
		return &Error{Problem: ErrSettings, Detail: fmt.Sprintf("the server's address is %q; it should be HOST:PORT", c.Server)}
	}
	c.Server = server
	return nil
}

// chooseName decides on the client's name. An id belongs to the name it was
// given for: another name needs another folder.
func (c *conversation) chooseName(info TransferInfo) error {
	registered := c.me.ID != codec.ClientID{}
	switch {
	case registered && c.Name != "" && c.Name != c.me.Name:
		return &Error{Problem: ErrSettings, Detail: fmt.Sprintf("%s is the identity of %q: use another folder for %q", c.mePath, c.me.Name, c.Name)}
	case registered:
	case c.Name != "":
		c.me.Name = c.Name
	case info.Name != "":
		c.me.Name = info.Name
	}
	if c.me.Name == "" {
		return nil
	}
	if err := checkName(c.me.Name); err != nil {
		return &Error{Problem: ErrSettings, Cause: err}
	}
	return nil
}

// checkFiles refuses what cannot be sent before anything is.
func checkFiles(paths []string) error {
	seen := make(map[string]string, len(paths))
	var problems []error
	for _, path := range paths {
		f, file, err := openFile(path)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		f.Close()
		if other, twice := seen[file.Name]; twice {
			problems = append(problems, &Error{Problem: ErrName, Detail: fmt.Sprintf("%q and %q would be stored as one file", other, path)})
		}
		seen[file.Name] = path
	}
	return errors.Join(problems...)
}

// openFile opens a regular file whose name and size the protocol can carry.
func openFile(path string) (*os.File, File, error) {
	unreadable := func(detail string, err error) (*os.File, File, error) {
		return nil, File{}, &Error{Problem: ErrFile, Detail: detail, Cause: err}
	}
	name := filepath.Base(path)
	if err := checkName(name); err != nil {
		return nil, File{}, err
	}
	about, err := os.Stat(path) // before it is opened: opening a pipe waits
	if err != nil {
		return unreadable("", err)
	}
	if !about.Mode().IsRegular() {
		return unreadable(fmt.Sprintf("%q is %s", path, kindOf(about.Mode())), nil)
	}
	if about.Size() > codec.MaxPlainSize {
		return nil, File{}, tooLarge(path, about.Size())
	}
	f, err := os.Open(path)
	if err != nil {
		return unreadable("", err)
	}
	return f, File{Name: name, Size: about.Size(), Content: f}, nil
}

func kindOf(mode fs.FileMode) string {
	if mode.IsDir() {
		return "a folder"
	}
	return "no regular file"
}
