package persistence

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// earlyWindow is how many bytes go to the disk at once.
const earlyWindow = 4 << 20

// rangeSync is sync_file_range(2): it writes a part of a file and waits for that.
type rangeSync func(fd int, offset, length int64) error

func syncFileRange(fd int, offset, length int64) error {
	return os.NewSyscallError("sync_file_range",
		unix.SyncFileRange(fd, offset, length, unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER))
}

// early sends content to the disk while it still arrives, so that the flush at
// its end finds little left to do. One window of all files together is under way
// at once: then the disk's queue is short, and the flush of something small waits
// for little in it.
type early struct {
	sync rangeSync
	turn chan struct{} // holds one token while a window is under way
}

// newEarly returns nil where parts of a file cannot be written at will, which it
// tries with a file.
func newEarly(file *os.File, sync rangeSync) *early {
	if sync(int(file.Fd()), 0, 1) != nil {
		return nil
	}
	return &early{sync: sync, turn: make(chan struct{}, 1)}
}

// earlyFile is a file that is written from its beginning to its end, by one
// goroutine at a time, and sent early.
type earlyFile struct {
	*os.File
	early *early // nil: it is not
	sends sync.WaitGroup

	mu      sync.Mutex
	written int64
	sent    int64 // of these, up to here are on the disk or on their way to it
	sending bool
	closing bool
	failed  error // of what was sent: the kernel tells it once, and not again at the flush
}

func (f *earlyFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	if f.early == nil {
		return n, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.written += int64(n)
	if !f.sending && f.written-f.sent >= earlyWindow {
		f.sending = true
		f.sends.Go(f.send)
	}
	return n, err
}

// send sends windows while there are whole ones. Each waits for its turn anew, so
// that all files get on alike.
func (f *earlyFile) send() {
	for {
		f.early.turn <- struct{}{}
		offset, more := f.next()
		if !more {
			<-f.early.turn
			return
		}
		err := f.early.sync(int(f.Fd()), offset, earlyWindow)
		<-f.early.turn
		f.note(err)
	}
}

func (f *earlyFile) next() (offset int64, more bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing || f.failed != nil || f.written-f.sent < earlyWindow {
		f.sending = false
		return 0, false
	}
	offset = f.sent
	f.sent += earlyWindow
	return offset, true
}

func (f *earlyFile) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed == nil {
		f.failed = err
	}
}

// drain returns when all that was to be sent early has been.
func (f *earlyFile) drain() { f.sends.Wait() }

// Sync flushes the rest.
func (f *earlyFile) Sync() error {
	f.drain()
	if f.failed != nil {
		return f.failed
	}
	return f.File.Sync()
}

// Close gives up what is still to be sent.
func (f *earlyFile) Close() error {
	f.mu.Lock()
	f.closing = true
	f.mu.Unlock()
	f.drain()
	return f.File.Close()
}
