package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sealquay/sealquay/internal/proof/port"
	"github.com/sealquay/sealquay/internal/proof/postgres"
	"github.com/sealquay/sealquay/internal/proof/program"
	"github.com/sealquay/sealquay/internal/proof/s3server"
)

const (
	nodes = 3
	// lease is short, so that what a killed node left is swept soon.
	lease = 3 * time.Second
	// patience is how long a start may take on a loaded machine.
	patience = time.Minute
)

// stage is everything that a cluster consists of.
type stage struct {
	dir      string
	program  *program.Program
	postgres *postgres.Server
	s3       *s3server.Server
	database string
	nodes    []*node
	balancer *balancer
}

// startStage starts all of it in a temporary directory. The caller ends it.
func startStage(ctx context.Context) (s *stage, err error) {
	s = &stage{}
	defer func() {
		if err != nil {
			s.end()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "sealquay-cluster-*"); err != nil {
		return s, err
	}
	if err := os.Chmod(s.dir, 0o711); err != nil { // PostgreSQL runs as another user
		return s, err
	}
	folder := func(name string) string {
		path := filepath.Join(s.dir, name)
		err = errors.Join(err, os.Mkdir(path, 0o700))
		return path
	}
	forProgram, forPostgres, forS3 := folder("program"), folder("postgres"), folder("s3")
	if err != nil {
		return s, err
	}
	starting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if s.postgres, err = postgres.Start(starting, forPostgres, "max_connections=100"); err != nil {
		return s, err
	}
	if s.s3, err = s3server.Start(starting, forS3); err != nil {
		return s, err
	}
	if s.program, err = program.Build(ctx, forProgram); err != nil {
		return s, err
	}
	if s.database, err = s.postgres.Database(ctx, ""); err != nil {
		return s, err
	}
	for range nodes {
		n, err := newNode(s)
		if err != nil {
			return s, err
		}
		s.nodes = append(s.nodes, n)
		if err := n.start(ctx); err != nil {
			return s, err
		}
	}
	s.balancer, err = startBalancer(starting, s.dir, s.nodes)
	return s, err
}

// dsn connects to the database beside the nodes.
func (s *stage) dsn() string { return postgres.DSN(s.postgres.Addr(), s.database) }

// end ends whatever was started.
func (s *stage) end() {
	if s.balancer != nil {
		s.balancer.kill()
	}
	for _, n := range s.nodes {
		if n.server != nil {
			_ = n.server.Kill() // it may have ended by itself: the proof has noticed that
		}
		n.toPostgres.close()
		n.toS3.close()
	}
	if s.s3 != nil {
		s.s3.Kill()
	}
	if s.postgres != nil {
		s.postgres.Kill()
	}
	_ = os.RemoveAll(s.dir)
}

// show prints what the nodes said last of their storage.
func (s *stage) show(w io.Writer) {
	for _, n := range s.nodes {
		if n.server != nil {
			fmt.Fprintf(w, "node %s:\n%s\n", n.addr(), n.server.LastWords("storage."))
		}
	}
}

// settings say where rows and content are, as the environment has them.
func (s *stage) settings() []string { return s.settingsOver(s.postgres.Addr(), s.s3.Addr()) }

// settingsOver are the settings with other ways to the servers.
func (s *stage) settingsOver(rows, content string) []string {
	return []string{
		"SEALQUAY_STORAGE_ROWS=postgres", "SEALQUAY_STORAGE_POSTGRES=" + postgres.DSN(rows, s.database), "SEALQUAY_STORAGE_LEASE=" + lease.String(),
		"SEALQUAY_STORAGE_CONTENT=s3", "SEALQUAY_S3_ENDPOINT=http://" + content, "SEALQUAY_S3_BUCKET=" + s3server.Bucket,
		"SEALQUAY_S3_REGION=" + s3server.Region, "SEALQUAY_S3_TIMEOUT=5s", "SEALQUAY_S3_PART_SIZE=5MiB",
		"AWS_ACCESS_KEY_ID=" + s3server.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s3server.SecretKey,
	}
}

// node is one of the servers, from start to start.
type node struct {
	stage            *stage
	port, health     int
	toPostgres, toS3 *road
	server           *program.Server
}

func newNode(s *stage) (*node, error) {
	n := &node{stage: s}
	var err error
	if n.port, err = port.Free(); err != nil {
		return nil, err
	}
	if n.health, err = port.Free(); err != nil {
		return nil, err
	}
	if n.toPostgres, err = newRoad(s.postgres.Addr()); err != nil {
		return nil, err
	}
	n.toS3, err = newRoad(s.s3.Addr())
	return n, err
}

func (n *node) addr() string  { return net.JoinHostPort("127.0.0.1", strconv.Itoa(n.port)) }
func (n *node) admin() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(n.health)) }

// start starts the node and waits until it serves.
func (n *node) start(ctx context.Context) (err error) {
	settings := append(n.stage.settingsOver(n.toPostgres.addr(), n.toS3.addr()), "SEALQUAY_ADMIN_ADDRESS="+n.admin(), "SEALQUAY_PROXY_PROTOCOL_FROM=127.0.0.1/32",
		"SEALQUAY_SWEEP_INTERVAL=5s", "SEALQUAY_KEY_LIFETIME=3s", "SEALQUAY_MAX_CONNECTIONS=1000",
		fmt.Sprintf("SEALQUAY_QUOTA_CLIENT_FILES=%d", quotaFiles))
	if n.server, err = n.stage.program.StartWith(ctx, n.port, settings...); err != nil {
		return err
	}
	starting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, _, err = n.server.Ready(starting); err != nil {
		return fmt.Errorf("node %s: %w", n.addr(), err)
	}
	return nil
}
