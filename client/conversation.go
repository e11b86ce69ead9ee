package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/sealquay/sealquay/codec"
)

// A conversation is a Transfer under way.
type conversation struct {
	Transfer
	mePath  string
	me      MeInfo
	old     []byte   // me.info as it was found, or nil
	damaged bool     // it was found damaged
	session *Session // nil before it is connected
	joined  func()   // called when there is a session with an AES key
}

func (c *conversation) close() {
	if c.session != nil {
		c.session.Close()
		c.session = nil
	}
}

func concernsOneFile(err error) bool {
	for _, p := range []*Problem{ErrChecksum, ErrFile, ErrFileChanged, ErrTooLarge, ErrName} {
		if errors.Is(err, p) {
			return true
		}
	}
	return false
}

// sendFile sends one file. In the seed's dialect each has its own connection,
// because the seed's server closes it after one.
func (c *conversation) sendFile(ctx context.Context, path string) (Receipt, error) {
	f, file, err := openFile(path)
	if err != nil {
		return Receipt{}, err
	}
	defer f.Close()
	if err := c.ready(ctx); err != nil {
		c.close()
		return Receipt{}, err
	}
	c.joined()
	receipt, err := c.session.Send(ctx, file, func(sent int64) { c.Progress(path, sent, file.Size) })
	if c.session.Dialect() == codec.Seed || c.session.Usable() != nil {
		c.close()
	}
	return receipt, err
}

// ready makes sure that there is a session with an AES key.
func (c *conversation) ready(ctx context.Context) error {
	switch {
	case c.session == nil:
		return c.connect(ctx)
	case !c.session.Keyed():
		return c.session.ExchangeKey(ctx, c.me.Name, c.me.Key)
	}
	return nil
}

func (c *conversation) connect(ctx context.Context) (err error) {
	if c.session, err = Dial(ctx, c.Options); err != nil {
		return err
	}
	if c.registered() && c.Options.Dialect != codec.Seed {
		return c.resume(ctx)
	}
	return c.register(ctx)
}

func (c *conversation) registered() bool { return c.me.ID != codec.ClientID{} }

// register begins with 1100, as the seed's client always does: to a client with
// an id, a taken name means that it is registered already.
func (c *conversation) register(ctx context.Context) error {
	id, err := c.session.Register(ctx, c.me.Name)
	if c.misunderstood() {
		return c.reconnectAsSeed(ctx)
	}
	switch {
	case err == nil:
		err = c.keep(id)
	case errors.Is(err, ErrNameTaken) && c.registered():
		c.session.Resume(c.me.ID)
		err = c.mend()
	}
	if err != nil {
		return err
	}
	return c.session.ExchangeKey(ctx, c.me.Name, c.me.Key)
}

// misunderstood reports whether a 1100 of documented form has reached a server
// of the seed's dialect. That one takes as many bytes of the name field for the
// name as the payload size says, all 255 with their zeros, and cannot store a
// file under such a name.
func (c *conversation) misunderstood() bool {
	return c.session.Dialect() == codec.Seed && c.Options.Dialect == codec.Undecided
}

func (c *conversation) reconnectAsSeed(ctx context.Context) error {
	c.close()
	c.Options.Dialect = codec.Seed
	return c.connect(ctx)
}

// resume begins with 1101. The seed's server does not answer it, since it
// expects 1100.
func (c *conversation) resume(ctx context.Context) error {
	if err := c.mend(); err != nil {
		return err
	}
	undecided := c.Options.Dialect == codec.Undecided
	if undecided {
		c.session.timeout = min(c.Probe, c.Timeout)
	}
	c.session.Resume(c.me.ID)
	err := c.session.ExchangeKey(ctx, c.me.Name, c.me.Key)
	c.session.timeout = c.Timeout
	switch {
	case errors.Is(err, ErrRefused):
		return c.registerAnew(ctx)
	case errors.Is(err, ErrTimeout) && undecided:
		return c.reconnectAsSeed(ctx)
	}
	return err
}

// registerAnew follows a refused 1101. A server that knows nothing of the name
// has lost its clients, or is another one: there the old id is worth nothing.
func (c *conversation) registerAnew(ctx context.Context) error {
	id, err := c.session.Register(ctx, c.me.Name)
	if errors.Is(err, ErrNameTaken) {
		return &Error{Problem: ErrRefused, Request: codec.CodePublicKey,
			Detail: fmt.Sprintf("the name %q is registered, but not with the id in %s, or the server does not take its key", c.me.Name, c.mePath)}
	}
	if err != nil {
		return err
	}
	if err := c.keep(id); err != nil {
		return err
	}
	c.Notice(fmt.Sprintf("The server did not know %q: it is registered anew. The id before is in %s.", c.me.Name, c.oldPath()))
	return c.session.ExchangeKey(ctx, c.me.Name, c.me.Key)
}

func (c *conversation) oldPath() string { return c.mePath + ".old" }

// keep writes me.info with a new id.
func (c *conversation) keep(id codec.ClientID) error {
	c.me.ID = id
	if err := c.write(); err != nil {
		return &Error{Problem: ErrSettings, Detail: fmt.Sprintf("%q is registered with the id %v, which could not be kept", c.me.Name, id), Cause: err}
	}
	return nil
}

// mend writes me.info if it was found damaged.
func (c *conversation) mend() error {
	if !c.damaged {
		return nil
	}
	if err := c.write(); err != nil {
		return &Error{Problem: ErrSettings, Cause: err}
	}
	return nil
}

// write replaces me.info and keeps the one before beside it.
func (c *conversation) write() error {
	if c.old != nil {
		if err := writeAtomically(c.oldPath(), c.old); err != nil {
			return err
		}
	}
	if err := c.me.Write(c.mePath); err != nil {
		return err
	}
	c.old, c.damaged = c.me.Text(), false
	return nil
}
