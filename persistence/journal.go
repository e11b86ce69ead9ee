package persistence

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// segmentRoom bounds a segment, in bytes. What finds no room is flushed by
	// itself.
	segmentRoom = 32 << 20
	// settlePause is how long records gather before the files of all are flushed,
	// as a rule.
	settlePause = time.Second
)

// journal keeps small content on stable storage until its files are: many are
// written one after the other to one file, and share its flush. A file of its
// own costs two or three flushes. Those files are flushed later, all at once.
//
// There are two segments. Records go to the active one. To settle, the other
// becomes active, everything on the file system is flushed, and the old segment
// is retired: from then on its records count no more. After a crash the files of
// all records that count are written anew, where a row says that they are content.
//
// A key that has a record is not used for another content before the record is
// retired, so a record never says what some other upload has put there.
type journal struct {
	upTo    int64         // bytes of one content
	pause   time.Duration // records gather so long
	disk    *disk
	flusher *flusher
	trouble func(error)
	buffers sync.Pool // *[]byte, each for one record

	segments [2]*segment

	mu     sync.Mutex
	active *segment
	idle   *segment            // nil while it is settled
	held   map[string]*segment // by key, of the records that count
	ended  bool                // a flush has failed: nothing is added, and nothing retired

	settling sync.Mutex    // held by who settles
	wake     chan struct{} // holds one token when there is something to settle
	full     chan struct{} // holds one token when that shall not wait
	stop     context.CancelFunc
	loop     sync.WaitGroup
}

// segment is one of the files.
type segment struct {
	file  Handle
	dirty atomic.Bool // something was written since its last flush

	// Guarded by the journal's mutex.
	generation uint64 // of the records that count; never 0
	end        int64

	naming sync.WaitGroup // records whose content gets its name just now
}

// record is what the journal holds of one content, and where.
type record struct {
	segment    *segment
	generation uint64
	mark       mark
}

// newJournal begins with two files whose records no longer count.
func newJournal(d *disk, files [2]Handle, upTo int64, pause time.Duration, trouble func(error)) *journal {
	j := &journal{
		upTo:    upTo,
		pause:   pause,
		disk:    d,
		trouble: trouble,
		held:    map[string]*segment{},
		wake:    make(chan struct{}, 1),
		full:    make(chan struct{}, 1),
	}
	for i, file := range files {
		j.segments[i] = &segment{file: file, generation: newGeneration()}
	}
	j.active, j.idle = j.segments[0], j.segments[1]
	j.flusher = newFlusher("the journal", j.flushDirty)
	ctx, stop := context.WithCancel(context.Background())
	j.stop = stop
	j.loop.Go(func() { j.settleLoop(ctx) })
	return j
}

// newGeneration is one that no record left in the file has.
func newGeneration() uint64 { return rand.Uint64() | 1 }

// add puts a content into the journal. It reports false when the content has to
// be flushed by itself. The record is on stable storage when flush has returned.
func (j *journal) add(key string, size int64, content io.ReaderAt) (*record, bool) {
	if j == nil || size > j.upTo {
		return nil, false
	}
	buffer := j.buffer()
	defer j.buffers.Put(buffer)
	body := (*buffer)[:recordSize(key, size)]
	if n, err := content.ReadAt(body[recordHeader+len(key):], 0); int64(n) < size {
		j.trouble(fmt.Errorf("journal: read what was written for %s: %w", key, err))
		return nil, false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.active
	if j.ended || s.end+int64(len(body)) > segmentRoom {
		return nil, false
	}
	sealRecord(body, s.generation, key)
	if _, err := s.file.WriteAt(body, s.end); err != nil {
		j.trouble(fmt.Errorf("journal: %w", err))
		return nil, false
	}
	s.end += int64(len(body))
	s.dirty.Store(true)
	j.held[key] = s
	signal(j.wake)
	if s.end > segmentRoom/2 {
		signal(j.full)
	}
	return &record{segment: s, generation: s.generation, mark: j.flusher.committed()}, true
}

func (j *journal) buffer() *[]byte {
	if b, ok := j.buffers.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, recordHeader+maxKey+j.upTo)
	return &b
}

// flush returns when a record is on stable storage.
func (j *journal) flush(ctx context.Context, r *record) error { return j.flusher.settle(ctx, r.mark) }

// flushDirty flushes what was written to the segments. A flush that failed is
// the last one.
func (j *journal) flushDirty() error {
	for _, s := range j.segments {
		if !s.dirty.Swap(false) {
			continue
		}
		began := time.Now()
		err := s.file.Sync()
		j.disk.syncs.contents.Observe(time.Since(began))
		if err != nil {
			j.end()
			return err
		}
	}
	return nil
}

// has reports that a key has a record that counts.
func (j *journal) has(key string) bool {
	if j == nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.held[key] != nil
}

// hold keeps a record while its content gets its name, until release. It reports
// false when the record is about to be retired, or is: then it promises nothing.
func (j *journal) hold(r *record) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if r.segment != j.active || r.generation != r.segment.generation {
		return false
	}
	r.segment.naming.Add(1)
	return true
}

func (r *record) release() { r.segment.naming.Done() }

func (j *journal) settleLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-j.wake:
		}
		select {
		case <-ctx.Done():
			return
		case <-j.full:
		case <-time.After(j.pause):
		}
		if err := j.settle(); err != nil {
			j.trouble(err)
		}
	}
}

// settle puts the files of all records on stable storage, and retires the
// records. A flush that failed is never repeated: then the records count until
// the next opening.
func (j *journal) settle() error {
	j.settling.Lock()
	defer j.settling.Unlock()
	old := j.rotate()
	if old == nil {
		return nil
	}
	old.naming.Wait()
	err := j.disk.settleAll()
	if err == nil {
		err = retire(old.file)
	}
	if err != nil {
		j.end()
		return fmt.Errorf("journal: %w; small files are flushed one by one from now on", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for key, s := range j.held {
		if s == old {
			delete(j.held, key)
		}
	}
	old.generation, old.end = newGeneration(), 0
	j.idle = old
	return nil
}

// rotate makes the other segment active, and returns the one that was; nil when
// that holds nothing.
func (j *journal) rotate() (old *segment) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended || j.active.end == 0 {
		return nil
	}
	old, j.active, j.idle = j.active, j.idle, nil
	return old
}

func (j *journal) end() {
	j.mu.Lock()
	j.ended = true
	j.mu.Unlock()
}

// close settles what can be, and closes the files.
func (j *journal) close() {
	if j == nil {
		return
	}
	j.stop()
	j.loop.Wait()
	if err := j.settle(); err != nil {
		j.trouble(err)
	}
	j.flusher.close()
	for _, s := range j.segments {
		_ = s.file.Close() // what counts was flushed
	}
}
