package persistence

import (
	"errors"
	"fmt"
	"syscall"
)

// The errors a caller may want to tell apart, with errors.Is.
var (
	// ErrNameTaken is Register's answer for a name that another client has.
	ErrNameTaken = errors.New("the client name is taken")
	// ErrUnknownClient means that no client has this id.
	ErrUnknownClient = errors.New("no client has this id")
	// ErrRevoked means that an operator has shut the client out.
	ErrRevoked = errors.New("the client is revoked")
	// ErrInvalidName means that a client or file name cannot be stored: it is
	// empty, too long, not UTF-8, or holds a NUL; a file name also when it
	// holds a separator, or is "." or "..".
	ErrInvalidName = errors.New("the name cannot be stored")
	// ErrInvalidKey means that a public key is not PublicKeySize bytes.
	ErrInvalidKey = errors.New("the public key has the wrong size")
	// ErrKeyPinned means that the client has another public key, and that it is
	// to stay.
	ErrKeyPinned = errors.New("the client has another public key, which is pinned")
	// ErrKeyWaits means that the public key waits for an approval.
	ErrKeyWaits = errors.New("the public key waits for an approval")
	// ErrKeyChanges means that the client changed its public key too often.
	ErrKeyChanges = errors.New("the client changed its public key too often")
	// ErrUnknownKey means that no such public key waits for an approval.
	ErrUnknownKey = errors.New("no such public key waits for an approval")
	// ErrFileConflict means that a verified file has this name and that
	// conflicts are refused.
	ErrFileConflict = errors.New("a verified file has this name")
	// ErrNoSpace means that the disk, or a quota on it, is full. The error
	// wraps its cause.
	ErrNoSpace = errors.New("no space is left for content or rows")
	// ErrUnavailable means that the shared database did not answer for longer
	// than the store has patience. What was asked of it is not acknowledged; it
	// may still be in effect when the answer to a commit was what was lost.
	ErrUnavailable = errors.New("the database does not answer")
	// ErrLowSpace means that an upload would leave less of the disk free than
	// Options.MinFree. It is an ErrNoSpace.
	ErrLowSpace = fmt.Errorf("too little of the disk would stay free: %w", ErrNoSpace)
	// ErrUploadState means that a method of an Upload was called out of order,
	// or after the upload ended.
	ErrUploadState = errors.New("the upload is not in a state for this")
	// ErrClosed means that the Store was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrReadOnly means that the Store was opened by OpenReadOnly.
	ErrReadOnly = errors.New("the store was opened to be read only")
	// ErrLocked means that another process has the data directory open.
	ErrLocked = errors.New("another process uses the data directory")
	// ErrNewerDatabase means that a later version of the program has changed
	// the tables.
	ErrNewerDatabase = errors.New("the database was made by a newer version of sealquay")
	// ErrChangedMigration means that a migration applied to this database is
	// not the one this program carries under the same number.
	ErrChangedMigration = errors.New("the database was made by another build of sealquay")
)

// withSpace joins ErrNoSpace to an error whose cause is a full disk or quota.
func withSpace(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || isDatabaseFull(err) {
		return fmt.Errorf("%w: %w", ErrNoSpace, err)
	}
	return err
}
