package persistence

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// Durability says what an acknowledgement promises.
type Durability int

const (
	// Full: what is verified survives kill -9 and a power cut.
	Full Durability = iota
	// Relaxed: what is verified survives kill -9. Nothing is flushed, so a
	// power cut may lose or damage what was verified in the last minute or so;
	// Check finds it.
	Relaxed
)

// String is the word of the configuration.
func (d Durability) String() string {
	switch d {
	case Full:
		return "full"
	case Relaxed:
		return "relaxed"
	}
	return fmt.Sprintf("Durability(%d)", int(d))
}

// Conflict says what becomes of a verified file when another upload of its
// name is verified.
type Conflict int

const (
	// Replace removes the earlier content.
	Replace Conflict = iota
	// Keep keeps the last Options.Keep earlier contents.
	Keep
	// Refuse refuses the later upload.
	Refuse
)

// String is the word of the configuration.
func (c Conflict) String() string {
	switch c {
	case Replace:
		return "replace"
	case Keep:
		return "keep"
	case Refuse:
		return "refuse"
	}
	return fmt.Sprintf("Conflict(%d)", int(c))
}

// Options says how a Store is opened.
type Options struct {
	DataDir    string // made when missing, mode 0700; not used when nothing is kept there
	Durability Durability

	// Postgres is the DSN of a PostgreSQL database for the rows, which stores
	// of other nodes may use at the same time, when their content is the same:
	// with content on a disk there may be one store. Empty, the rows are in
	// SQLite below DataDir.
	Postgres string
	// S3 is where content is kept; nil is on the disk below DataDir.
	S3 *S3
	// Lease is how long this store may be cut off from a shared database before
	// others end its uploads; 0 is 30 seconds.
	Lease time.Duration

	// JournalUpTo is the size in bytes up to which content goes through a
	// journal, which spares it the flushes of its file, at most 1 MiB; 0 is
	// none. It counts only with Full, and content on a disk whose file system can
	// flush all of it at once.
	JournalUpTo int64
	// JournalPause is how long content gathers in the journal before the files of
	// all are flushed; 0 is a second.
	JournalPause time.Duration

	OnConflict Conflict
	Keep       int // how many earlier contents Keep keeps, at least 1
	Quota      Quota
	MinFree    int64 // bytes of the disk that uploads leave free; 0 is no bound
	KeyPolicy  KeyPolicy
	KeyChanges int // of a client's key in an hour, with Rotate; 0 is no bound

	// Hooks are the targets that are told of verified files: a Delivery is
	// recorded for each.
	Hooks []string

	// Trouble hears of failures in the background, which no caller waits for:
	// removal of replaced content, last seen. It may be called from any
	// goroutine, must not block, and may be nil.
	Trouble func(error)
	// Warn hears during Open of what makes the storage weaker than it could be.
	// It may be nil.
	Warn func(error)
	// FileSystem may wrap what content uses, to inject faults. It may be nil.
	FileSystem func(FileSystem) FileSystem
	// database may wrap the rows, to inject faults.
	database func(database) database
	// content opens another place for content than S3 or the disk says.
	content func(context.Context) (contents, error)
}

const defaultLease = 30 * time.Second

func (o Options) lease() time.Duration { return cmp.Or(o.Lease, defaultLease) }

// usesDirectory reports that rows or content are below the data directory.
func (o Options) usesDirectory() bool { return o.Postgres == "" || o.onDisk() }

// onDisk reports that content is on the disk below the data directory.
func (o Options) onDisk() bool { return o.S3 == nil && o.content == nil }

// place names the storage in errors.
func (o Options) place() string {
	if o.usesDirectory() {
		return "data directory " + o.DataDir
	}
	return "the shared storage"
}

func (o Options) check() error {
	if o.DataDir == "" && o.usesDirectory() {
		return fmt.Errorf("no data directory is given")
	}
	if o.OnConflict == Keep && o.Keep < 1 {
		return fmt.Errorf("keep %d earlier contents: want at least 1", o.Keep)
	}
	if o.JournalUpTo < 0 || o.JournalUpTo > maxJournaled {
		return fmt.Errorf("journal up to %d bytes: want 0 to %d", o.JournalUpTo, maxJournaled)
	}
	return o.Quota.check()
}
