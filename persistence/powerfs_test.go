package persistence

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"sync"
	"testing/fstest"
)

// errCrashed is what every operation says once the machine has stopped.
var errCrashed = errors.New("the machine has stopped")

// crash stops the machine at one step: that step and all later ones do
// nothing but fail. Steps count from 1; a crash at 0 never comes.
type crash struct {
	mu    sync.Mutex
	at    int
	steps int
}

func (c *crash) step() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.steps++
	if c.at > 0 && c.steps >= c.at {
		return errCrashed
	}
	return nil
}

// arm makes the machine stop at a number of steps from now; 0 is never.
func (c *crash) arm(after int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.steps = after, 0
}

func (c *crash) stopped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at > 0 && c.steps >= c.at
}

// powerFS is a FileSystem in memory that knows what a power cut may take:
// every byte and every entry of a directory that was not flushed by itself.
// It promises as little as POSIX does. Each operation is a step of the crash.
type powerFS struct {
	crash *crash

	mu   sync.Mutex
	root *powerNode
}

// powerNode is a file or a directory: as it is, and as it is on the platter.
type powerNode struct {
	directory       bool
	data, flushed   []byte
	entries, stable map[string]*powerNode
}

func newPowerDirectory() *powerNode {
	return &powerNode{directory: true, entries: map[string]*powerNode{}, stable: map[string]*powerNode{}}
}

func newPowerFS(c *crash) *powerFS { return &powerFS{crash: c, root: newPowerDirectory()} }

// cut takes the power away: of each thing not flushed, chance says whether it
// is kept.
func (p *powerFS) cut(chance func() bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.root.cut(chance)
}

func (n *powerNode) cut(chance func() bool) {
	if !n.directory {
		if !bytes.Equal(n.data, n.flushed) && !chance() {
			n.data = n.flushed
		}
		n.flushed = n.data
		return
	}
	for name, node := range n.entries {
		if n.stable[name] != node && !chance() {
			delete(n.entries, name)
		}
	}
	for name, node := range n.stable {
		if n.entries[name] == nil && !chance() {
			n.entries[name] = node
		}
	}
	n.stable = maps.Clone(n.entries)
	for _, node := range n.entries {
		node.cut(chance)
	}
}

// do runs one step on the directory and last part of a name.
func (p *powerFS) do(op, name string, step func(directory *powerNode, last string) error) error {
	if err := p.crash.step(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.look(op, name, step)
}

func (p *powerFS) look(op, name string, step func(directory *powerNode, last string) error) error {
	directory := p.find(path.Dir(name))
	if directory == nil || !directory.directory {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	if err := step(directory, path.Base(name)); err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

func (p *powerFS) find(name string) *powerNode {
	if name == "." {
		return p.root
	}
	parent := p.find(path.Dir(name))
	if parent == nil {
		return nil
	}
	return parent.entries[path.Base(name)]
}

func (p *powerFS) Mkdir(name string) error {
	return p.do("mkdir", name, func(directory *powerNode, last string) error {
		if directory.entries[last] != nil {
			return fs.ErrExist
		}
		directory.entries[last] = newPowerDirectory()
		return nil
	})
}

func (p *powerFS) Remove(name string) error {
	return p.do("remove", name, func(directory *powerNode, last string) error {
		node := directory.entries[last]
		if node == nil {
			return fs.ErrNotExist
		}
		if len(node.entries) > 0 {
			return errors.New("directory not empty")
		}
		delete(directory.entries, last)
		return nil
	})
}

func (p *powerFS) Rename(from, to string) error {
	return p.do("rename", from, func(source *powerNode, old string) error {
		node := source.entries[old]
		if node == nil {
			return fs.ErrNotExist
		}
		return p.look("rename", to, func(target *powerNode, last string) error {
			if target.entries[last] != nil {
				return fs.ErrExist
			}
			target.entries[last] = node
			delete(source.entries, old)
			return nil
		})
	})
}

func (p *powerFS) SyncDir(name string) error {
	return p.do("syncdir", name+"/.", func(directory *powerNode, _ string) error {
		directory.stable = maps.Clone(directory.entries)
		return nil
	})
}

func (p *powerFS) SyncsAll() bool { return true }

func (p *powerFS) SyncAll() error {
	if err := p.crash.step(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.root.flush()
	return nil
}

func (n *powerNode) flush() {
	if !n.directory {
		n.flushed = n.data
		return
	}
	n.stable = maps.Clone(n.entries)
	for _, node := range n.entries {
		node.flush()
	}
}

func (p *powerFS) Open(name string) (io.ReadCloser, error) {
	var data []byte
	err := p.do("open", name, func(directory *powerNode, last string) error {
		node := directory.entries[last]
		if node == nil || node.directory {
			return fs.ErrNotExist
		}
		data = bytes.Clone(node.data)
		return nil
	})
	return io.NopCloser(bytes.NewReader(data)), err
}

func (p *powerFS) OpenFile(name string, flag int) (handle Handle, err error) {
	err = p.do("open", name, func(directory *powerNode, last string) error {
		node := directory.entries[last]
		if node == nil && flag&os.O_CREATE == 0 {
			return fs.ErrNotExist
		}
		if node == nil {
			node = &powerNode{}
			directory.entries[last] = node
		}
		handle = &powerTemp{fs: p, node: node}
		return nil
	})
	return handle, err
}

func (t *powerTemp) WriteAt(data []byte, at int64) (int, error) {
	if err := t.fs.crash.step(); err != nil {
		return 0, err
	}
	t.fs.mu.Lock()
	defer t.fs.mu.Unlock()
	written := make([]byte, max(len(t.node.data), int(at)+len(data)))
	copy(written, t.node.data)
	copy(written[at:], data)
	t.node.data = written
	return len(data), nil
}

func (p *powerFS) Lstat(name string) (info fs.FileInfo, err error) {
	err = p.do("lstat", name, func(directory *powerNode, last string) error {
		node := directory.entries[last]
		if node == nil {
			return fs.ErrNotExist
		}
		info, err = node.info(last)
		return err
	})
	return info, err
}

func (n *powerNode) info(name string) (fs.FileInfo, error) {
	file := &fstest.MapFile{Data: n.data}
	if n.directory {
		file.Mode = fs.ModeDir
	}
	return fs.Stat(fstest.MapFS{name: file}, name)
}

func (p *powerFS) List(name string, visit func(fs.DirEntry) error) error {
	var infos []fs.FileInfo
	err := p.do("list", name+"/.", func(directory *powerNode, _ string) error {
		for last, node := range directory.entries {
			info, err := node.info(last)
			if err != nil {
				return err
			}
			infos = append(infos, info)
		}
		return nil
	})
	for _, info := range infos {
		if err := visit(fs.FileInfoToDirEntry(info)); err != nil {
			return err
		}
	}
	return err
}

// powerTemp is a file of a powerFS that has no name yet.
type powerTemp struct {
	fs   *powerFS
	node *powerNode
}

func (p *powerFS) Temp() (Temp, error) {
	return &powerTemp{fs: p, node: &powerNode{}}, p.crash.step()
}

func (t *powerTemp) Write(data []byte) (int, error) {
	if err := t.fs.crash.step(); err != nil {
		return 0, err
	}
	t.fs.mu.Lock()
	defer t.fs.mu.Unlock()
	t.node.data = append(bytes.Clone(t.node.data), data...)
	return len(data), nil
}

func (t *powerTemp) Sync() error {
	if err := t.fs.crash.step(); err != nil {
		return err
	}
	t.fs.mu.Lock()
	defer t.fs.mu.Unlock()
	t.node.flushed = t.node.data
	return nil
}

func (t *powerTemp) Link(name string) error {
	return t.fs.do("link", name, func(directory *powerNode, last string) error {
		if directory.entries[last] != nil {
			return fs.ErrExist
		}
		directory.entries[last] = t.node
		return nil
	})
}

func (t *powerTemp) Replace(name string) error {
	return t.fs.do("replace", name, func(directory *powerNode, last string) error {
		directory.entries[last] = t.node
		return nil
	})
}

func (t *powerTemp) ReadAt(p []byte, at int64) (int, error) {
	if err := t.fs.crash.step(); err != nil {
		return 0, err
	}
	t.fs.mu.Lock()
	defer t.fs.mu.Unlock()
	return bytes.NewReader(t.node.data).ReadAt(p, at)
}

func (t *powerTemp) Close() error { return t.fs.crash.step() }

// The ways a power cut treats what was not flushed.
func loseAll() bool { return false }
func keepAll() bool { return true }
func luck(seed uint64) func() bool {
	random := rand.New(rand.NewPCG(seed, 1))
	return func() bool { return random.IntN(2) == 0 }
}
