package admin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/net/netutil"

	"github.com/sealquay/sealquay/internal/logging"
)

const (
	// maxConnections bounds the connections of operators and their tools.
	maxConnections = 128
	// retryPause is the time between two tries to listen.
	retryPause = time.Second

	headerTimeout = 5 * time.Second
	writeTimeout  = 30 * time.Second // handlers that take longer say so
	idleTimeout   = time.Minute
	maxHeader     = 16 << 10 // bytes
	closePatience = time.Second
)

// Config says what a Server shows, and where.
type Config struct {
	Address netip.AddrPort // port 0 takes a free one
	Hosts   []string       // names that it answers to, besides localhost and addresses

	Metrics http.Handler
	Page    http.Handler // everything below / that is nothing else
	// Ready returns why the server is not ready, or nil.
	Ready func(context.Context) error
	Log   *zap.Logger
}

// A Server answers from Start until Close.
type Server struct {
	http   *http.Server
	config Config
	stop   context.CancelFunc
	done   sync.WaitGroup

	listening chan struct{} // closed when addr is known
	addr      netip.AddrPort
}

// Start begins to answer. While the address cannot be listened on, it tries
// again: receiving files does not depend on it, and another server that is
// being taken over from has it for a while.
func Start(c Config) *Server {
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{config: c, stop: stop, listening: make(chan struct{})}
	s.http = &http.Server{
		Handler:           newGuard(c, routes(c)),
		ReadHeaderTimeout: headerTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          zap.NewStdLog(zap.NewNop()), // what clients do wrong is theirs
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	s.done.Go(func() { s.run(ctx) })
	return s
}

// Addr returns the address that is listened on, once it is.
func (s *Server) Addr(ctx context.Context) (netip.AddrPort, error) {
	select {
	case <-s.listening:
		return s.addr, nil
	case <-ctx.Done():
		return netip.AddrPort{}, ctx.Err()
	}
}

func (s *Server) run(ctx context.Context) {
	l := s.listen(ctx)
	if l == nil {
		return
	}
	s.addr = l.Addr().(*net.TCPAddr).AddrPort()
	close(s.listening)
	logging.Log(s.config.Log, logging.AdminReady, logging.Addr(s.addr.String()))
	if err := s.http.Serve(netutil.LimitListener(l, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
		logging.Log(s.config.Log, logging.AdminUnavailable, logging.Addr(s.addr.String()), logging.Error(err))
	}
}

// listen returns nil if ctx ends first.
func (s *Server) listen(ctx context.Context) net.Listener {
	for told := false; ; told = true {
		var config net.ListenConfig
		l, err := config.Listen(ctx, "tcp", s.config.Address.String())
		switch {
		case err == nil:
			return l
		case ctx.Err() != nil:
			return nil
		case !told:
			logging.Log(s.config.Log, logging.AdminUnavailable, logging.Addr(s.config.Address.String()), logging.Error(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryPause):
		}
	}
}

// Close ends what is being answered, streams first, and returns when all is over.
func (s *Server) Close() {
	s.stop() // ends the streams: it is the context of every request
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close() // a profile may be under way, and is not waited for
	}
	s.done.Wait()
}
