package handlers

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/crypt"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

// An upload is a 1103 whose content is still coming.
type upload struct {
	*file
	opener  *crypt.Opener
	left    int64 // bytes of encrypted content
	message codec.EncryptedFile

	// For those who watch. The rest does not change while it is in the list.
	began         time.Time
	announced     int64        // bytes of encrypted content
	taken         atomic.Int64 // of them
	before, after *upload      // in the list of uploads
}

// encryptedFile handles the head of 1103: from here on content is expected. It
// answers only to refuse.
func (s *Session) encryptedFile(ctx context.Context, f codec.Frame) Answer {
	m, err := codec.ParseEncryptedFile(f)
	if err != nil {
		return s.refuse(logging.FileNameNotTerminated)
	}
	s.request.client = f.Header.ClientID
	name, why := uploadName(m.FileName, f.Dialect)
	if why != "" {
		return s.refuse(why)
	}
	s.request.file, s.request.bytesIn = name, f.Content
	if m.ClientID != f.Header.ClientID {
		return s.refuse(logging.ClientMismatch)
	}
	if why := s.identify(ctx, m.ClientID); why != "" {
		return s.refuse(why)
	}
	s.Store.Touch(persistence.ClientID(m.ClientID))
	if f.Content-paddingMax > s.MaxUploadSize {
		return s.refuse(logging.UploadTooLarge)
	}
	if s.waiting.Load() >= maxWaitingFiles {
		return s.refuse(logging.TooManyUploads)
	}
	g, key, why := s.client.use(s.grant)
	if why != "" {
		return s.refuse(why)
	}
	defer key.Wipe()
	return s.beginUpload(ctx, f, m, &file{owner: s, grant: g, name: name}, &key)
}

// paddingMax is how many bytes of content may be padding.
const paddingMax = 16

func (s *Session) beginUpload(ctx context.Context, f codec.Frame, m codec.EncryptedFile, to *file, key *crypt.Key) Answer {
	stored, err := s.Store.Begin(ctx, persistence.ClientID(m.ClientID), to.name, f.Content-paddingMax)
	if err != nil {
		return s.fail(err)
	}
	to.upload = stored
	s.logQuotaWarnings(stored.QuotaWarnings())
	m.FileNameField = bytes.Clone(m.FileNameField) // the frame goes
	s.upload = &upload{file: to, opener: s.opener(key), left: f.Content, message: m,
		announced: f.Content, began: s.request.arrived}
	s.uploads.add(s.upload)
	return Answer{}
}

// Content decrypts the next piece of the content in place and stores it. Its
// length is a positive multiple of 16.
func (s *Session) Content(_ context.Context, p []byte) Answer {
	u := s.upload
	if u == nil {
		return Answer{} // the upload was refused, and this was on its way
	}
	pause := s.client.take(len(p), s.Bandwidth, time.Now())
	u.left -= int64(len(p))
	u.taken.Add(int64(len(p)))
	s.counters.clients.Add(u.message.ClientID, int64(len(p)), time.Now())
	if u.left > 0 {
		u.opener.Open(p)
	} else {
		var n int
		n, u.sums, u.genuine = u.opener.OpenLast(p)
		p = p[:n]
	}
	u.size += int64(len(p))
	s.counters.content.Add(int64(len(p)))
	if _, err := u.upload.Write(p); err != nil {
		return s.failUpload(err)
	}
	return Answer{Pause: pause}
}

// failUpload refuses the upload under way because of the storage.
func (s *Session) failUpload(err error) Answer {
	a := s.fail(err)
	s.abandon()
	s.done(a)
	return a
}

// ContentEnd ends an upload: its CRC goes to the client, whose verdict decides
// what becomes of it.
func (s *Session) ContentEnd(ctx context.Context) Answer {
	u := s.upload
	if u == nil {
		return Answer{}
	}
	err := u.upload.Received(ctx, persistence.Sums{CRC32: u.sums.CRC32, Cksum: u.sums.Cksum})
	if err != nil {
		// Before the answer: what was reserved for it is free when the client hears.
		if err := u.upload.Discard(ctx); err != nil {
			s.logFault(err)
		}
		return s.failUpload(err)
	}
	s.upload = nil
	s.uploads.remove(u)
	s.counters.received.Add(1)
	s.putOpener(u.opener)
	s.waiting.Add(1)
	for _, old := range s.client.add(u.file, s.Checksum) {
		s.logDiscarded(old, logging.Superseded)
		s.discard(old)
	}
	s.request.size, s.request.checksum = u.size, u.kind
	s.logReceived(u.file)
	a := Answer{
		Response: codec.FileReceived{
			ClientID:    u.message.ClientID,
			ContentSize: u.message.ContentSize,
			FileName:    u.message.FileNameField,
			Cksum:       u.sums.Of(u.kind),
		},
		More:     true,
		Patience: s.VerifyTimeout,
		Reason:   logging.VerifyTimeout,
	}
	s.done(a)
	return a
}

// abandon gives up the upload under way, for the request's reason. What was
// stored of it is removed in the background: a worker does not wait for that.
func (s *Session) abandon() {
	u := s.upload
	s.upload = nil
	s.uploads.remove(u)
	s.putOpener(u.opener)
	s.logDiscarded(u.file, s.request.reason)
	s.background.Go(func() { s.discard(u.file) })
}

// whyNoKey tells an id that nobody has from one that has no key.
func (s *Session) whyNoKey(ctx context.Context, id codec.ClientID) logging.Reason {
	_, err := s.Store.Client(ctx, persistence.ClientID(id))
	switch {
	case errors.Is(err, persistence.ErrUnknownClient):
		return logging.UnknownClient
	case err != nil:
		s.logFault(err)
		return logging.StorageFailed
	}
	s.Store.Touch(persistence.ClientID(id))
	return logging.NoKey
}

func reasonOf(err error) logging.Reason {
	quota := (*persistence.QuotaError)(nil)
	switch {
	case errors.As(err, &quota):
		return quotas[quota.Kind].reason
	case errors.Is(err, persistence.ErrRevoked):
		return logging.ClientRevoked
	case errors.Is(err, persistence.ErrKeyPinned):
		return logging.KeyPinned
	case errors.Is(err, persistence.ErrKeyWaits):
		return logging.KeyNotApproved
	case errors.Is(err, persistence.ErrKeyChanges):
		return logging.TooManyKeyChanges
	case errors.Is(err, persistence.ErrNoSpace):
		return logging.StorageFull
	case errors.Is(err, persistence.ErrFileConflict):
		return logging.FileExists
	case errors.Is(err, persistence.ErrUnknownClient):
		return logging.UnknownClient
	}
	return logging.StorageFailed
}
