package persistence

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealquay/sealquay/internal/proof/postgres"
)

// cluster is what the stores of several nodes share.
type cluster struct {
	dsn     string
	content contents
}

func newCluster(t testing.TB) *cluster {
	root, err := os.OpenRoot(fastDir(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	files := &rootFS{root: root}
	files.temp = files.unnamed
	return &cluster{dsn: postgresDSN(t), content: mustDisk(t, files)}
}

func (c *cluster) options(dsn string) Options {
	return Options{
		Postgres: dsn, OnConflict: Keep, Keep: 1000,
		content: func(context.Context) (contents, error) { return c.content, nil },
	}
}

// patient are the options of a node with another patience.
func (c *cluster) patient(dsn string, p patience) Options {
	options := c.options(dsn)
	options.database = func(rows database) database {
		rows.(*postgresRows).patience = p
		return rows
	}
	return options
}

// node opens the store of one more node.
func (c *cluster) node(t testing.TB) *Store { return openTest(t, c.options(c.dsn)) }

// TestNodesShareNames: of clients that race for a name on three nodes, one gets it.
func TestNodesShareNames(t *testing.T) {
	c := newCluster(t)
	const names, rivals = 5, 64
	nodes := []*Store{c.node(t), c.node(t), c.node(t)}
	var won [names]atomic.Int32
	var all sync.WaitGroup
	for rival := range rivals {
		all.Go(func() {
			for n := range names {
				_, err := nodes[rival%len(nodes)].Register(t.Context(), fmt.Sprintf("client %d", n))
				if err == nil {
					won[n].Add(1)
				} else if !errors.Is(err, ErrNameTaken) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for n := range won {
		if won[n].Load() != 1 {
			t.Errorf("client %d was registered %d times", n, won[n].Load())
		}
	}
}

// TestNodesShareFiles: uploads of the same names on three nodes end one after
// the other: each was the verified file of its name once, and none is lost or
// left over.
func TestNodesShareFiles(t *testing.T) {
	c := newCluster(t)
	const names, rivals, rounds = 3, 12, 4
	nodes := []*Store{c.node(t), c.node(t), c.node(t)}
	id := register(t, nodes[0], "anna")
	var all sync.WaitGroup
	for rival := range rivals {
		all.Go(func() {
			for round := range rounds {
				name := fmt.Sprintf("file %d", (rival+round)%names)
				if err := try(t.Context(), nodes[rival%len(nodes)], id, name, fmt.Sprint(rival, round)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	var newest int64
	for row, err := range nodes[1].fileRows(t.Context(), FileFilter{Verified: true}) {
		if err != nil {
			t.Fatal(err)
		}
		newest += row.Number
	}
	if kept := countVersions(t, nodes[1]); newest != rivals*rounds || kept != rivals*rounds-names {
		t.Errorf("the numbers of the files add up to %d, %d earlier ones are kept; %d were verified", newest, kept, rivals*rounds)
	}
	mustAgree(t, nodes[2])
}

// TestNodeSweepsWhatAnotherLeft: an upload of a node that is gone is removed by
// another, and one of a node that works is not. A node that comes back after
// its lease cannot verify what it had under way.
func TestNodeSweepsWhatAnotherLeft(t *testing.T) {
	c := newCluster(t)
	cutOff, working, sweeper := c.node(t), c.node(t), c.node(t)
	id := register(t, working, "anna")
	lost := receive(t, cutOff, id, "lost.txt", []byte("lost"))
	kept := receive(t, working, id, "kept.txt", []byte("kept"))
	if err := lost.publish(t.Context()); err != nil { // as far as a node can come before it hangs
		t.Fatal(err)
	}
	lost.stage = received
	endLease(t, sweeper, cutOff.owner)
	if err := sweeper.endAbandoned(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := sweeper.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.content.size(t.Context(), lost.key); err == nil {
		t.Error("what the lost node made visible is still there")
	}
	if err := lost.Verify(t.Context()); err == nil {
		t.Error("a node without a lease has verified")
	}
	if err := kept.Verify(t.Context()); err != nil {
		t.Errorf("a node with a lease: %v", err)
	}
	if err := cutOff.rows.renew(t.Context(), cutOff.owner, time.Minute); err != nil {
		t.Fatal(err)
	}
	verifyNew(t, cutOff, id, "later.txt", "later")
	mustAgree(t, working)
}

// endLease has the lease of a store run out, by the clock of the database.
func endLease(t *testing.T, s *Store, owner string) {
	t.Helper()
	err := s.update(t.Context(), func(x tx) error {
		_, err := x.exec(`UPDATE owners SET Until = clock_timestamp() - interval '1 second' WHERE Owner = ?`, owner)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOpeningEndsNoUploadOfAnother: a node that starts leaves the others alone.
func TestOpeningEndsNoUploadOfAnother(t *testing.T) {
	c := newCluster(t)
	first := c.node(t)
	id := register(t, first, "anna")
	u := receive(t, first, id, "a.txt", []byte("content"))
	second := c.node(t)
	if _, err := second.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := u.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	mustAgree(t, second)
}

// loss is where on the way a proxy loses a transaction's end.
type loss int

const (
	loseNothing    loss = iota
	loseCommit          // the commit never arrives
	loseAnswer          // it arrives, and its answer does not
	loseConnection      // nothing arrives, and nobody says so
)

// lossyProxy carries connections to PostgreSQL and loses the end of a
// transaction when told, once.
type lossyProxy struct {
	net.Listener
	to   string
	next atomic.Int64 // loss
	lost atomic.Int64
	ends sync.WaitGroup
}

func newLossyProxy(t *testing.T, to string) *lossyProxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &lossyProxy{Listener: l, to: to}
	p.ends.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			p.ends.Go(func() { p.carry(from) })
		}
	})
	t.Cleanup(func() { l.Close(); p.ends.Wait() })
	return p
}

func (p *lossyProxy) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer server.Close()
	var mute atomic.Bool
	p.ends.Go(func() {
		defer client.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if mute.Load() || err != nil {
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if bytes.Contains(buffer[:n], []byte("commit\x00")) {
			switch loss(p.next.Swap(int64(loseNothing))) {
			case loseCommit:
				p.lost.Add(1)
				return
			case loseAnswer:
				p.lost.Add(1)
				mute.Store(true)
			case loseConnection:
				p.lost.Add(1)
				_, _ = io.Copy(io.Discard, client) // until the client gives up
				return
			}
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// TestLostCommit: whichever transaction of an upload loses its commit or the
// answer to it, the outcome is found out: the upload is verified once, with no
// false acknowledgement, and no false refusal.
func TestLostCommit(t *testing.T) {
	c := newCluster(t)
	at, database, _ := strings.Cut(strings.TrimPrefix(c.dsn, "postgres://"+postgres.User+"@"), "/")
	proxy := newLossyProxy(t, at)
	// What is cut off is noticed soon.
	database += "&idle_in_transaction_session_timeout=500ms"
	s := openTest(t, c.patient("postgres://"+postgres.User+"@"+proxy.Addr().String()+"/"+database,
		patience{attempt: 300 * time.Millisecond, outage: time.Minute, doubt: time.Minute}))
	for _, l := range []loss{loseCommit, loseAnswer, loseConnection} {
		lose := func() { proxy.next.Store(int64(l)) }
		lose()
		name := fmt.Sprint("client ", l)
		id := register(t, s, name)
		lose()
		u, err := s.Begin(t.Context(), id, "a.txt", 7)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.Write([]byte("content")); err != nil {
			t.Fatal(err)
		}
		lose()
		if err := u.Received(t.Context(), sumsOf([]byte("content"))); err != nil {
			t.Fatal(err)
		}
		lose()
		if err := u.Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
		lose()
		if err := offered(s, id, make([]byte, PublicKeySize)); err != nil {
			t.Fatal(err)
		}
		lose()
		if _, err := s.Register(t.Context(), name); !errors.Is(err, ErrNameTaken) {
			t.Errorf("register again: %v", err)
		}
	}
	proxy.next.Store(int64(loseNothing))
	if proxy.lost.Load() < 15 {
		t.Errorf("%d commits were lost, want at least 15", proxy.lost.Load())
	}
	var numbers int64
	for row, err := range s.fileRows(t.Context(), FileFilter{Verified: true}) {
		if err != nil {
			t.Fatal(err)
		}
		numbers += row.Number
	}
	if numbers != 3 {
		t.Errorf("files were verified %d times, want 3", numbers)
	}
	mustAgree(t, s)
}

// ownDatabase starts a database server for the test alone, and lets c use it.
func ownDatabase(t *testing.T, c *cluster) *postgres.Server {
	t.Helper()
	directory, err := os.MkdirTemp("/dev/shm", "sealquay-postgres-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(directory) })
	server, err := postgres.Start(t.Context(), directory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	c.dsn = postgres.DSN(server.Addr(), "postgres")
	return server
}

// TestDatabaseRestarts: what is asked for while the database restarts waits for it,
// as long as docs/CLUSTER.md says.
func TestDatabaseRestarts(t *testing.T) {
	text, err := os.ReadFile("../docs/CLUSTER.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("requests wait, up to %.0f s;", usualPatience.outage.Seconds()); !strings.Contains(string(text), want) {
		t.Errorf("CLUSTER.md does not say %q", want)
	}
	c := newCluster(t)
	server := ownDatabase(t, c)
	options := c.patient(c.dsn, patience{attempt: time.Minute, outage: time.Minute, doubt: time.Minute}) // whatever else runs here
	options.Trouble = func(error) {}
	s := openTest(t, options)
	id := register(t, s, "anna")
	u := receive(t, s, id, "a.txt", []byte("under way"))

	server.Stop()
	away, err := net.Listen("tcp", server.Addr()) // in its place, to see who asks
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 2)
	go func() { errs <- u.Verify(t.Context()) }()
	go func() { _, err := s.Register(t.Context(), "berta"); errs <- err }()
	for range 8 { // both ask, and ask again
		conn, err := away.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
	select {
	case err := <-errs:
		t.Errorf("a request did not wait: %v", err)
		errs <- err
	default:
	}
	_ = away.Close()
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := contentOf(t, s, "a.txt"); got != "under way" {
		t.Errorf("content %q", got)
	}
	mustAgree(t, s)
}

// TestDatabaseAway: while the database is away a job fails in time, with a clear
// error, and the upload harms nothing; when it is back, all goes on.
func TestDatabaseAway(t *testing.T) {
	c := newCluster(t)
	server := ownDatabase(t, c)
	options := c.patient(c.dsn, patience{attempt: 5 * time.Second, outage: time.Second, doubt: 5 * time.Second})
	options.Trouble = func(error) {} // the lease cannot be renewed
	s := openTest(t, options)
	id := register(t, s, "anna")
	verifyNew(t, s, id, "a.txt", "before")
	u := receive(t, s, id, "b.txt", []byte("under way"))
	server.Kill()
	if err := u.Verify(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("verify without a database: %v", err)
	}
	if _, err := s.Register(t.Context(), "berta"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("register without a database: %v", err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for { // it is back by itself, sooner or later
		_, err := s.Register(t.Context(), "berta")
		if err == nil {
			break
		}
		if !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
	}
	verifyNew(t, s, id, "c.txt", "after")
	if got := contentOf(t, s, "a.txt"); got != "before" {
		t.Errorf("verified before: %q", got)
	}
	if _, err := s.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	mustAgree(t, s)
	if left := keys(t, c.content); len(left) != 2 {
		t.Errorf("left %v, want two contents", left)
	}
}

// TestNodesRemoveTogether: nodes that remove the same at the same time are not in
// each other's way.
func TestNodesRemoveTogether(t *testing.T) {
	c := newCluster(t)
	// Nothing is tried again: a deadlock is an error.
	options := c.patient(c.dsn, patience{attempt: time.Minute})
	nodes := []*Store{openTest(t, options), openTest(t, options), openTest(t, options)}
	id := register(t, nodes[0], "anna")
	err := nodes[0].update(t.Context(), func(t tx) error {
		for range 4 * removalBatch {
			name := rand.Text()
			if err := claim(t, name, id, "a.txt", versionKey(id, name, "a.txt"), stateRemove); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, node := range nodes {
		for range 2 {
			all.Go(func() {
				if _, err := node.removeClaimed(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	mustAgree(t, nodes[0])
	var left int
	if err := nodes[0].view(t.Context(), func(t tx) error { return t.get(&left, `SELECT count(*) FROM uploads`) }); err != nil || left > 0 {
		t.Errorf("%d claims are left, %v", left, err)
	}
}

// TestStoppedSweepDoesNotWait: a sweep that is told to end does not wait for a
// removal that another goroutine has under way.
func TestStoppedSweepDoesNotWait(t *testing.T) {
	s := openTest(t, Options{DataDir: fastDir(t)})
	s.removing <- struct{}{} // as a removal that takes long
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.removeClaimed(ctx)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("removal: %v", err)
	}
	<-s.removing
}
