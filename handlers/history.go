package handlers

import (
	"maps"
	"slices"

	"github.com/sealquay/sealquay/internal/crypt"
	"github.com/sealquay/sealquay/internal/logging"
)

// use counts a try under the session's own key, or under the client's latest,
// and returns a copy of it. When the tries are used up, the key is thrown away.
func (c *client) use(own *grant) (g *grant, key crypt.Key, why logging.Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g = own
	if g == nil {
		g = c.latest
	}
	switch {
	case g == nil:
		return nil, key, logging.NoKey
	case g.gone:
		return nil, key, logging.TriesExhausted
	case g.tries >= maxTries:
		g.throwAway()
		return nil, key, logging.TriesExhausted
	}
	g.tries++
	return g, g.key, ""
}

// add adds a file that waits for its verdict, chooses the kind of CRC for it,
// and returns the files that it supersedes: the session's own, and those of
// connections that have ended. A verdict on one of the latter may still come.
func (c *client) add(f *file, configured Checksum) (superseded []*file) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.history(f.name)
	f.kind = configured.choose(c.checksum, h.rejected, f.size, f.sums)
	kept := h.files[:0]
	for _, old := range h.files {
		switch {
		case old.owner != nil && old.owner != f.owner:
			kept = append(kept, old)
			continue
		case old.owner == nil:
			h.owed++
		}
		superseded = append(superseded, old)
	}
	h.files = append(kept, f)
	c.received++
	f.number = c.received
	if oldest := c.excess(); oldest != nil {
		superseded = append(superseded, oldest)
	}
	return superseded
}

// history returns the history of a name, a new one if there is none. The lock
// is held.
func (c *client) history(name string) *history {
	h := c.names[name]
	if h == nil {
		if len(c.names) >= maxNames {
			maps.DeleteFunc(c.names, func(_ string, h *history) bool { return len(h.files) == 0 })
		}
		h = new(history)
		c.names[name] = h
	}
	return h
}

// excess takes the oldest file if too many wait for a verdict. The lock is held.
func (c *client) excess() (oldest *file) {
	n := 0
	for _, h := range c.names {
		n += len(h.files)
		if len(h.files) > 0 && (oldest == nil || h.files[0].number < oldest.number) {
			oldest = h.files[0]
		}
	}
	if n <= maxFiles {
		return nil
	}
	c.names[oldest.name].files = c.names[oldest.name].files[1:]
	c.settle(oldest.name)
	return oldest
}

// own returns the index of the session's latest file, or -1.
func (h *history) own(s *Session) int {
	for i, f := range slices.Backward(h.files) {
		if f.owner == s {
			return i
		}
	}
	return -1
}

// accept takes the file that a 1104 means: the session's own, or the client's
// latest. Nil means that there is none.
func (c *client) accept(s *Session, name string) *file {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.names[name]
	if h == nil || len(h.files) == 0 {
		return nil
	}
	i := h.own(s)
	if i < 0 {
		i = len(h.files) - 1
	}
	f := h.files[i]
	h.files = slices.Delete(h.files, i, i+1)
	return f
}

// verified settles an accepted file: the key may be used on, and the kind of
// CRC is known. It reports whether the kind is to be remembered.
func (c *client) verified(f *file, configured Checksum) (remember bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.grant.tries = 0
	c.settle(f.name)
	before := c.checksum
	if configured == ChecksumAuto && f.kind.String() != before && (before != "" || f.kind != crypt.CRC32) {
		c.checksum = f.kind.String()
		return true
	}
	return false
}

// reject takes the file that a 1105 or 1106 means. A verdict from another
// connection than the file's may be late, meant for a file that was superseded
// meanwhile: then nothing is taken. known is false if the client never sent
// such a file.
func (c *client) reject(s *Session, name string, final bool) (f *file, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.names[name]
	if h == nil {
		return nil, false
	}
	i := h.own(s)
	switch {
	case i < 0 && h.owed > 0:
		h.owed--
		return nil, true
	case i < 0:
		i = len(h.files) - 1
	}
	if i >= 0 {
		f = h.files[i]
		h.files = slices.Delete(h.files, i, i+1)
		h.rejected = &rejection{f.size, f.sums, f.kind}
		if f.grant.tries >= maxTries {
			f.grant.throwAway()
		}
	}
	known = f != nil || h.rejected != nil
	if final {
		h.rejected = nil
		c.settle(name)
	}
	return f, known
}

// settle forgets a name that has no file waiting. The lock is held.
func (c *client) settle(name string) {
	if h := c.names[name]; h != nil && len(h.files) == 0 {
		delete(c.names, name)
	}
}
