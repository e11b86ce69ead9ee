package persistence

import (
	"context"
	"io"
	"strings"
)

// content is where the bytes of files are kept, each under a key that is used
// by one at a time: what is under a key never changes, and another can be there
// only after it is gone.
//
// A key is a slash-separated path below the data directory, as in PathName.
type content interface {
	// create starts a draft of what shall be under key. Nothing is visible
	// under key before publish.
	create(ctx context.Context, key string) (draft, error)
	// open reads what is under key; fs.ErrNotExist when nothing is.
	open(ctx context.Context, key string) (io.ReadCloser, error)
	// remove durably removes what is under key, and whatever a draft for it may
	// have left behind. Nothing there is no error.
	remove(ctx context.Context, key string) error
}

// draft is content that is being made. It is for one goroutine at a time.
type draft interface {
	io.Writer
	// flush puts the bytes written so far on stable storage. After an error
	// they never count as being there.
	flush(ctx context.Context) error
	// publish makes the flushed draft durably visible under its key, and fails
	// when something is there already. After an error it may be there or not.
	publish(ctx context.Context, sums Sums) error
	// discard gives up what publish has not made visible, and must be called
	// at the end in any case. When left is true, something of the draft may
	// still be under its key, or appear there: remove takes it away.
	discard() (left bool, err error)
}

// inventory looks over all content there is.
type inventory interface {
	// size tells how many bytes are under key; fs.ErrNotExist when nothing is.
	size(ctx context.Context, key string) (int64, error)
	// walk visits all keys there are, in no particular order, some perhaps
	// that come or go meanwhile. An error of visit ends it.
	walk(ctx context.Context, visit func(key string, size int64) error) error
	// quarantine durably takes what is under key out of sight, to a place
	// named after as, and tells that place. Nothing there is no error.
	quarantine(ctx context.Context, key, as string) (place string, err error)
	// drafts visits the keys of drafts that were begun and neither published
	// nor given up, where these outlive the process that made them.
	drafts(ctx context.Context, visit func(key string) error) error
	// abort gives up such drafts of a key. What is published under it stays.
	abort(ctx context.Context, key string) error
}

// contents is all that a Store asks of the place for content.
type contents interface {
	content
	inventory
	// close gives back what the place holds open. It is called last.
	close()
}

// The folders of content. Nothing else is below the data directory but the
// database, its lock, and the journal.
const (
	filesFolder      = "files"
	versionsFolder   = "versions"
	temporaryFolder  = "tmp"
	quarantineFolder = "quarantine"
)

// plainKey is where the first content under a name goes: operators browse it.
func plainKey(id ClientID, fileName string) string {
	return strings.Join([]string{filesFolder, id.String(), fileName}, "/")
}

// versionKey is where content goes when the plain key is in use. The name of
// the upload makes it unique, that of the file tells people what it is, where
// both fit.
func versionKey(id ClientID, upload, fileName string) string {
	name := upload
	if both := upload + "-" + fileName; len(both) <= maxEntry {
		name = both
	}
	return strings.Join([]string{versionsFolder, id.String(), name}, "/")
}

// maxEntry is the longest name of a file in bytes, on every common file system.
const maxEntry = 255
