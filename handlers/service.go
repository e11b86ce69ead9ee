package handlers

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/sealquay/sealquay/internal/crypt"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/persistence"
)

// Config says how sessions behave.
type Config struct {
	Store *persistence.Store
	Log   *zap.Logger

	Checksum         Checksum
	KeyLifetime      time.Duration                    // of an AES key and of unverified files after the connection's end
	MayRegister      func(name string) logging.Reason // "": it may; nil: any name may
	MaxUploadSize    int64                            // bytes of plain content
	TakenNameTimeout time.Duration                    // a client's patience hint: see PROTOCOL.md section 1, 1100
	Bandwidth        int64                            // bytes of content of one client in a second; 0: any number
	VerifyTimeout    time.Duration                    // how long a received file waits for 1104
}

// maxTries is how often content may be sent under one AES key without an
// accepted CRC (PROTOCOL.md section 1).
const maxTries = 4

// maxWaitingFiles bounds the files of all clients that wait for a verdict: each
// holds a descriptor. A client that behaves has one, for a round trip.
const maxWaitingFiles = 4096

// A Service is what all sessions share.
type Service struct {
	Config
	audit      *logging.Audit
	fields     sync.Pool // *[]zap.Field, of a line of the log
	clients    *clients
	secret     [32]byte     // of the process, for content that does not decrypt
	openers    sync.Pool    // *crypt.Opener, wiped
	waiting    atomic.Int64 // files that wait for a verdict
	counters   *counters
	uploads    uploads // under way
	background sync.WaitGroup
	ctx        context.Context
	cancel     context.CancelFunc
}

// NewService makes a Service. It is to be closed after its last session.
func NewService(c Config) *Service {
	s := &Service{Config: c, audit: logging.NewAudit(c.Log), clients: newClients(c.KeyLifetime), counters: newCounters()}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	rand.Read(s.secret[:])
	s.openers.New = func() any { return crypt.NewOpener(new(crypt.Key), &s.secret) }
	s.fields.New = func() any { return new([]zap.Field) }
	if c.KeyLifetime > 0 {
		s.background.Go(s.expire)
	}
	return s
}

// Close forgets all keys and discards the files that nobody verified.
func (s *Service) Close() {
	s.cancel()
	s.background.Wait()
	s.discardAll(s.clients.forgetAll())
}

// expire forgets keys and files whose time is over, until the service closes.
func (s *Service) expire() {
	ticker := time.NewTicker(max(s.KeyLifetime/16, time.Second))
	defer ticker.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case now := <-ticker.C:
			s.discardAll(s.clients.forgetExpired(now))
		}
	}
}

// settled accounts for a file that waits no longer, if it did.
func (s *Service) settled(f *file) {
	if f.number > 0 {
		s.waiting.Add(-1)
	}
}

// discardAll removes files that will not be verified. It goes on after a
// failure: what stays is found by the storage's own sweep.
func (s *Service) discardAll(files []*file) {
	for _, f := range files {
		s.discard(f)
	}
}

func (s *Service) discard(f *file) {
	s.settled(f)
	s.counters.discards.Add(1)
	if err := f.upload.Discard(context.Background()); err != nil {
		s.logFault(err)
	}
}
