package persistence

import "fmt"

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
	DataDir    string // made when missing, mode 0700
	Durability Durability
	OnConflict Conflict
	Keep       int // how many earlier contents Keep keeps, at least 1
	Quota      Quota
	MinFree    int64 // bytes of the disk that uploads leave free; 0 is no bound

	// Hooks are the targets that are told of verified files: a Delivery is
	// recorded for each.
	Hooks []string

	// Trouble hears of failures in the background, which no caller waits for:
	// removal of replaced content, last seen. It may be called from any
	// goroutine, must not block, and may be nil.
	Trouble func(error)
	// FileSystem may wrap what content uses, to inject faults. It may be nil.
	FileSystem func(FileSystem) FileSystem
	// database may wrap the rows, to inject faults.
	database func(database) database
}

func (o Options) check() error {
	if o.DataDir == "" {
		return fmt.Errorf("no data directory is given")
	}
	if o.OnConflict == Keep && o.Keep < 1 {
		return fmt.Errorf("keep %d earlier contents: want at least 1", o.Keep)
	}
	return o.Quota.check()
}
