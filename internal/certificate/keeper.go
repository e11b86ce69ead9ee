package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// lookPause is the time between two looks at the files. A change is taken when
// it was there at two of them: who writes a certificate and then its key is not
// caught between.
const lookPause = 2 * time.Second

// A Keeper has the configuration that the files say.
type Keeper struct {
	files   Files
	taken   func(*x509.Certificate)
	trouble func(error)
	current atomic.Pointer[tls.Config]
	reload  chan struct{}
	stop    chan struct{}
	stopped sync.WaitGroup
}

// Open reads the files, and again whenever they change or [Keeper.Reload] says
// so, until Close. It calls taken for each certificate that is in use from then
// on, the first one included, and trouble when what is in the files cannot be
// used: the configuration stays what it was. Both are called by one goroutine at
// a time.
func Open(f Files, taken func(*x509.Certificate), trouble func(error)) (*Keeper, error) {
	k := &Keeper{files: f, taken: taken, trouble: trouble, reload: make(chan struct{}, 1), stop: make(chan struct{})}
	seen := f.look()
	if err := k.load(); err != nil {
		return nil, err
	}
	k.stopped.Go(func() { k.watch(seen) })
	return k, nil
}

// Config returns the configuration for the next connection. It may be called
// from anywhere; what it returns is not to be changed.
func (k *Keeper) Config() *tls.Config { return k.current.Load() }

// Reload has the files read again soon, whether they changed or not.
func (k *Keeper) Reload() {
	select {
	case k.reload <- struct{}{}:
	default: // it is to come already
	}
}

// Close ends the watching.
func (k *Keeper) Close() {
	close(k.stop)
	k.stopped.Wait()
}

func (k *Keeper) load() error {
	config, err := k.files.Load()
	if err != nil {
		return err
	}
	k.current.Store(config)
	k.taken(config.Certificates[0].Leaf)
	return nil
}

func (k *Keeper) watch(loaded look) {
	ticker := time.NewTicker(lookPause)
	defer ticker.Stop()
	before := loaded
	for {
		asked := false
		select {
		case <-k.stop:
			return
		case <-k.reload:
			asked = true
		case <-ticker.C:
		}
		now := k.files.look()
		if asked || now != loaded && now == before {
			loaded = now
			if err := k.load(); err != nil {
				k.trouble(err)
			}
		}
		before = now
	}
}

// A look is what tells a file from one before: each file's time, size and
// identity.
type look [3]struct {
	there    bool
	modified time.Time
	size     int64
	inode    uint64
}

func (f Files) look() (l look) {
	for i, path := range f.paths() {
		about, err := os.Stat(path)
		if err != nil {
			continue
		}
		l[i].there, l[i].modified, l[i].size, l[i].inode = true, about.ModTime(), about.Size(), inode(about)
	}
	return l
}
