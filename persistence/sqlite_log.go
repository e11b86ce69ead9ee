package persistence

import "os"

// writeAheadLog is the file in which SQLite keeps what it has committed and not
// yet moved into the database. It is there from the first transaction on, and
// stays the same file as long as the connection that writes is open. SQLite has
// no locks on it that closing it could drop.
type writeAheadLog struct {
	path string
	file *os.File // from the first sync on
}

// sync puts what is committed on stable storage. It may be called while SQLite
// writes on: what is committed meanwhile may be flushed with it or not. It is
// for one goroutine at a time.
func (l *writeAheadLog) sync() (err error) {
	if l.file == nil {
		if l.file, err = os.OpenFile(l.path, os.O_RDWR, 0); err != nil {
			return err
		}
	}
	return syncData(l.file)
}

func (l *writeAheadLog) close() error {
	if l == nil || l.file == nil {
		return nil
	}
	return l.file.Close()
}
